import { describe, expect, it } from 'vitest'
import { escapeHtml, readable } from '../../src/html/escape.js'

describe('text in a page', () => {
  it('is text, in an element and in an attribute', () => {
    expect(escapeHtml(`<a href="x" id='y'>&amp;</a>`)).toBe(
      '&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;',
    )
  })

  it.each([
    ['plain', 'plain'],
    ['שלום 你好 👩‍👩‍👧 e\u0301', 'שלום 你好 👩‍👩‍👧 e\u0301'],
    ['a\0b\x1b[31m\r\n\tc\x7f\x85', 'a\ufffdb\ufffd[31m\ufffd\ufffd\ufffdc\ufffd\ufffd'],
    ['\u202egpj.exe\u2066', '\ufffdgpj.exe\ufffd'],
    ['\ud800x\udc00', '\ufffdx\ufffd'],
    ['a\u2028b', 'a\ufffdb'],
  ])('disturbs nothing around it: %j', (text, shown) => {
    expect(readable(text, 100)).toBe(shown)
  })

  it('is cut between characters, however long it is', () => {
    expect(readable('😀'.repeat(1_000_000), 3)).toBe('😀😀😀…')
    expect(readable('abc', 3)).toBe('abc')
  })
})
