/**
 * Several orders of some of the same things as one, in which each keeps its own. Where they contradict each other an
 * earlier list wins.
 */
export function mergeOrders<T>(orders: readonly (readonly T[])[]): readonly T[] {
  const merged = new Set<T>()
  const lists = orders.map((order) => ({ order, rest: new Set(order), next: 0 }))
  for (;;) {
    for (const list of lists) while (merged.has(list.order[list.next] as T)) list.next++
    const open = lists.filter(({ order, next }) => next < order.length)
    const heads = open.map(({ order, next }) => order[next] as T)
    const free = heads.find((head) => open.every(({ rest }, index) => !rest.has(head) || heads[index] === head))
    if (heads.length === 0) return [...merged]
    merged.add(free ?? (heads[0] as T))
  }
}
