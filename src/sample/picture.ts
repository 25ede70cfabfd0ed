import { deflateSync } from 'node:zlib'
import type { Random } from './random.js'

/** A small abstract painting as a PNG file. */
export function picture(random: Random): Buffer {
  const size = 48
  const [across, down, both] = [1 + random.below(9), 1 + random.below(9), random.below(9)]
  const rows = Buffer.alloc(size * (size + 1))
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      rows[y * (size + 1) + x + 1] = ((x * x * across + y * y * down + x * y * both) >> 7) & 15
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(size, 0)
  header.writeUInt32BE(size, 4)
  // Eight bits a pixel, colours from a palette.
  header.set([8, 3], 8)
  const palette = Buffer.from(Array.from({ length: 16 * 3 }, () => random.below(256)))
  // Stored, not compressed: the same bytes with every zlib.
  const pixels = deflateSync(rows, { level: 0 })
  const chunks = [chunk('IHDR', header), chunk('PLTE', palette), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data])
  const ends = Buffer.alloc(8)
  ends.writeUInt32BE(data.length, 0)
  ends.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)])
}

function crc32(bytes: Buffer): number {
  let crc = ~0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return ~crc >>> 0
}
