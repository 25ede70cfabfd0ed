/** Works on so many items at once, and yields the results in the order of the items. */
export async function* inOrder<Item, Result>(
  items: AsyncIterable<Item>,
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): AsyncIterable<Result> {
  const pending: Promise<Result>[] = []
  try {
    for await (const item of items) {
      const result = work(item)
      pending.push(result)
      // It is waited for in its turn.
      result.catch(ignore)
      const first = pending.length < atOnce ? undefined : pending.shift()
      if (first) yield await first
    }
    for (let first = pending.shift(); first; first = pending.shift()) yield await first
  } finally {
    await Promise.allSettled(pending)
  }
}

function ignore(): void {
  // Whoever waits for it learns of it.
}
