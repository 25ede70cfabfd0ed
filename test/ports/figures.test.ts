import { describe, expect, it } from 'vitest'
import { bytesText, countText, durationText, numberText } from '../../src/ports/figures.js'

describe('figures', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [1234567, '1,234,567'],
    [999.6, '1,000'],
  ])('number %d', (value, expected) => {
    expect(numberText(value)).toBe(expected)
  })

  it.each([
    [0, '0 messages'],
    [1, '1 message'],
    [2000, '2,000 messages'],
  ])('count %d', (value, expected) => {
    expect(countText(value, 'message')).toBe(expected)
  })

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 KB'],
    [1024, '1.0 KB'],
    [102_400, '100 KB'],
    [1024 * 999.4, '999 KB'],
    [1024 * 999.6, '1.0 MB'],
    [5 * 1024 ** 3, '5.0 GB'],
    [2000 * 1024 ** 4, '2000 TB'],
  ])('%d bytes', (value, expected) => {
    expect(bytesText(value)).toBe(expected)
  })

  it.each([
    [0, '0 s'],
    [0.2, '1 s'],
    [59, '59 s'],
    [59.5, '1:00 min'],
    [185, '3:05 min'],
    [3599, '59:59 min'],
    [3599.5, '1:00 h'],
    [7385, '2:03 h'],
    [360_000, '100:00 h'],
  ])('%d seconds', (value, expected) => {
    expect(durationText(value)).toBe(expected)
  })
})
