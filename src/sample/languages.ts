import { base64Lines, compose, draft, encodedWord, mailbox, received, rfc5322Date, textHeaders } from './draft.js'
import type { Draft, Person } from './draft.js'
import { owner } from './words.js'

/** Mail in many languages and charsets. What Node cannot encode is here as base64. */
export function languages(): readonly Draft[] {
  return [...inUtf8.map(utf8Letter), ...inOtherCharsets()]
}

function utf8Letter([name, subject, text]: readonly [string, string, string], index: number): Draft {
  const from = { name, address: `reader${index + 1}@world.example` }
  const at = new Date(Date.UTC(2006 + index, index % 12, 3 + index, 7 + (index % 12), 15))
  const encoded = index % 2 === 1
  const body = encoded ? base64Lines(Buffer.from(`${text}\r\n`)) : `${text}\r\n`
  return compose({ from, to: owner, subject, at, body, ...(encoded && { headers: textHeaders('utf-8', 'base64') }) })
}

const inUtf8 = [
  ['田辺 千代', '霧のため一便がおくれます', '船長さま\r\n\r\n今朝は霧です。かもめが三羽、切符なしで乗りました。'],
  ['王小明', '明天的渡轮', '你好！\r\n\r\n渡轮明天早上七点开。请带一把伞，还有给海鸥的面包。'],
  ['김하나', '등대에서 보낸 편지', '안녕하세요.\r\n\r\n등대의 불이 다시 켜졌습니다. 고양이도 기뻐합니다.'],
  ['Иво Петров', 'Погода на завтра', 'Здравствуйте!\r\n\r\nЗавтра туман, потом чайки. Возьмите зонт.'],
  ['Ελένη', 'Το δρομολόγιο άλλαξε', 'Καλημέρα!\r\n\r\nΤο πλοίο φεύγει μόλις ξυπνήσει ο γάτος.'],
  ['נעה', 'כרטיס אחד', 'שלום,\r\n\r\nהסירה יוצאת בשבע.'],
  ['ليلى', 'موعد العبارة', 'مرحبا\r\n\r\nالعبارة تغادر عند السابعة صباحا.'],
  ['Hana Nováková', 'Příliš žluťoučký kůň na palubě', 'Ahoj!\r\n\r\nKůň má platnou jízdenku a chová se slušně.'],
  ['Emil Østergård', 'Blåbærgrød på færgen', 'Hej!\r\n\r\nDer er grød til alle. Mågerne får skeen.'],
  ['Ngọc', 'Chuyến phà sớm', 'Xin chào,\r\n\r\nPhà rời bến lúc bảy giờ sáng. Nhớ mang ô.'],
  ['🦜 Parrot', '🚢⚓ All aboard 🐐🐐', 'Squawk! 🦜\r\n\r\n👩‍✈️ says 07:00. Bring 🧀.'],
  ['ปลา', 'เรือเที่ยวเช้า', 'สวัสดี\r\n\r\nเรือออกตอนเจ็ดโมงเช้า'],
] as const satisfies readonly (readonly [string, string, string])[]

function inOtherCharsets(): readonly Draft[] {
  const chiyo = { name: 'Chiyo Tanabe', address: 'chiyo@island.example' }
  const ivo = { name: 'Ivo Petrov', address: 'ivo@weather.example' }
  const word = (charset: string, base64: string): string => encodedWord(charset, Buffer.from(base64, 'base64'))
  const jis = 'GyRCOUEkTkctJGgkahsoQg=='
  return [
    other(chiyo, [2001, 4], word('ISO-2022-JP', jis), textHeaders('iso-2022-jp', '7bit'), bodies.jis),
    other(chiyo, [2002, 5], word('Shift_JIS', 'jWCCzJRMguaC6A=='), textHeaders('shift_jis'), bodies.shiftJis),
    other(chiyo, [2002, 6], 'tokei', textHeaders('euc-jp'), bodies.eucJp),
    other(ivo, [1999, 11], word('koi8-r', '8MHSz80='), textHeaders('koi8-r'), bodies.koi8),
    other(chiyo, [2004, 8], word('gb18030', 'tsnC1g=='), textHeaders('gb18030'), bodies.gb18030),
    // Raw 8-bit headers: windows-1251, Latin-1, ISO-2022-JP without any label (QUIRKS MSG-04, MSG-05).
    other(ivo, [2000, 1], latin1('0ODx7+jx4O3o5SDt4CDn6Ozz'), [], bodies.koi8),
    other(ivo, [2003, 2], latin1('RuRocnBsYW4gZvxyINZsYW5kLCBuYe92ZSBN9ndlbg=='), [], bodies.koi8),
    other(chiyo, [1998, 9], latin1(jis), [], bodies.jis),
  ]
}

function other(
  from: Person,
  [year, month]: readonly [number, number],
  subject: string,
  ...[headers, body]: readonly [readonly string[], string]
): Draft {
  const at = new Date(Date.UTC(year, month, 12, 9, 30))
  const head = [...received(at, owner), `From: ${mailbox(from)}`, `To: ${mailbox(owner)}`, `Subject: ${subject}`]
  return draft(at, [...head, `Date: ${rfc5322Date(at)}`, ...headers], Buffer.from(body, 'base64'))
}

function latin1(base64: string): string {
  return Buffer.from(base64, 'base64').toString('latin1')
}

/** In Shift_JIS many second bytes are backslashes: 表, 予, 能, ソ. */
const bodies = {
  jis:
    'GyRCQSVEOSQ1JF4bKEINCg0KGyRCOiNEKyROMGxKWCRPTDgkTiQ/JGE9PTheSiwkKiQvJGwkXiQ3JD8hIxsoQg0KGyRCJCskYiRhJCw7MDEpISJA' +
    'WklkJEokNyRHPmgkaiReJDckPyEjGyhCDQoNChskQjlBJE5HLRsoQg0K',
  shiftJis:
    'grGC8YLJgr+CzYFCDQoNCpZZguqVqILMjlCCzYFBjlaLtILMlKCCyYKgguiC3IK3gUKVXI6mguCXXJLoguCCu4LMgtyC3ILFgreBQg0KlFyTb4LM' +
    'iZaC4IjqkdyBQYNcgVuDWILgiOqWe4KgguiC3IK1gr2BQg0K',
  eucJp: 'u7e2tqTOu/6316SsuN7KrL/KpPOkx6SkpN6kuaGjDQo=',
  koi8: '+sTSwdfT1NfVytTFIQ0KDQrwwdLPzSDQ0snEo9Qg1yDTxc3YLiD+wcrLySDV1sUg1sTV1C4NCg==',
  gb18030: 'xOO6w6OhDQoNCrbJwtbD98zs1OfJz8bfteO/qqGjx+u0+NK7sNHJoaGjDQo=',
} as const
