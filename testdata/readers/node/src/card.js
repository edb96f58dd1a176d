/** card.md: cards, card files, committed texts, safety numbers, fingerprints. */
import { hkdf } from '@noble/hashes/hkdf.js';
import { equal, utf8 } from './bytes.js';
import { bstr, checkVersion, encode, parse, struct, tstr, tuple, uint } from './cbor.js';
import { maxCard, parseRecord } from './device.js';
import { must, within } from './refusal.js';
import { checkSealingKey, sha256, sum, verify } from './suite.js';

const maxText = 1024;
const inCard = (rule) => (rule === 'S-8' ? 'C-2' : 'C-1');

// The sizes of the user key and of the signature are a matter of C-3 and C-6.
const cardLayout = tuple(uint(), bstr(), bstr());
const bodyLayout = struct({
  1: ['userKey', bstr()],
  2: ['commitment', bstr(32)],
  3: ['record', bstr()],
  4: ['name', bstr(32)],
  5: ['email', bstr(32)],
});

/**
 * Parses and checks a card (C-1 to C-6).
 * @param {Uint8Array} bytes
 */
export function parseCard(bytes) {
  const { body, signature, fields } = within(inCard, () => {
    must(bytes.length <= maxCard, 'S-1', 'longer than a card');
    checkVersion(bytes, 3);
    const [, body, signature] = parse(bytes, maxCard, cardLayout);
    return { body, signature, fields: parse(body, maxCard, bodyLayout) };
  });
  within('C-3', () => checkSealingKey(fields.userKey));
  const device = within('C-4', () => parseRecord(fields.record));
  must(!equal(fields.userKey, device.encryption), 'C-5', 'one key for the user and the device');
  within('C-6', () => verify(device.signing, 'underseal/v1/card', body, signature));
  return { ...fields, device, member: sum('underseal/v1/fingerprint', body) };
}

/** The safety number of a member. @param {Uint8Array} member */
export function safetyNumber(member) {
  const b = hkdf(sha256, member, new Uint8Array(0), utf8('underseal/v1/safety-number'), 60);
  const groups = [];
  for (let i = 0; i < 60; i += 5) {
    const number = b.subarray(i, i + 5).reduce((n, byte) => n * 256 + byte, 0);
    groups.push(String(number % 100000).padStart(5, '0'));
  }
  return groups.join(' ');
}

/* Committed texts */

export const openingLayout = tuple(uint(), bstr(32), tstr);

/** Characters that no text holds: fixed ranges, not classes of some Unicode. */
const unseen =
  /[\u{0}-\u{1F}\u{7F}-\u{9F}\u{AD}\u{61C}\u{180E}\u{200B}-\u{200F}\u{2028}-\u{202E}\u{2060}-\u{206F}\u{FEFF}\u{FFF9}-\u{FFFB}\u{E0000}-\u{E007F}]/u;

/** Checks a text (C-9). @param {string} text */
export function checkText(text) {
  const size = utf8(text).length;
  must(size >= 1 && size <= maxText, 'C-9', `a text of ${size} bytes`);
  must(!unseen.test(text) && !text.startsWith(' ') && !text.endsWith(' '), 'C-9', 'a text with what is not seen');
}

/**
 * Checks an opening against its commitment (C-8, C-9).
 * @param {any[]} opening
 * @param {Uint8Array} commitment
 * @param {number} [kind] the one that the place calls for
 */
export function checkOpening([kind, salt, text], commitment, wanted = kind) {
  checkText(text);
  must(kind === wanted, 'C-8', `a text of kind ${kind}`);
  must(equal(sum('underseal/v1/text', encode([kind, salt, text])), commitment), 'C-8', 'another text than committed to');
  return { kind, salt, text };
}

/**
 * Opens the commitment to a text (C-8 to C-10).
 * @param {Uint8Array} encoded padded
 * @param {Uint8Array} commitment
 * @param {number} [kind] the one that the place calls for
 */
export function openText(encoded, commitment, kind) {
  must(encoded.length > 0 && encoded.length % 64 === 0, 'C-10', 'not padded');
  const mark = encoded.findLastIndex((byte) => byte !== 0);
  must(encoded[mark] === 0x80 && mark >= encoded.length - 64, 'C-10', 'not padded');
  const opening = within('C-10', () => parse(encoded.subarray(0, mark), maxCard, openingLayout));
  return checkOpening(opening, commitment, kind);
}

/* Card files */

const fileLayout = tuple(uint(), bstr(), openingLayout, openingLayout);

/**
 * The content of the one PEM block of a text.
 * @param {string} text
 * @param {string} type
 * @param {string} rule
 */
export function readBlock(text, type, rule) {
  const [begin, end] = [`-----BEGIN ${type}-----`, `-----END ${type}-----`];
  const lines = text.split('\n').map((line) => line.replace(/[ \t\r]+$/, ''));
  const marks = lines.filter((line) => /^-----(BEGIN|END) /.test(line));
  must(marks.length === 2 && marks[0] === begin && marks[1] === end, rule, 'not one block alone');
  const base64 = lines.slice(lines.indexOf(begin) + 1, lines.indexOf(end)).join('');
  const content = new Uint8Array(Buffer.from(base64, 'base64'));
  must(Buffer.from(content).toString('base64') === base64, rule, 'not base64');
  return content;
}

/**
 * Parses and checks a card file (C-1 to C-9).
 * @param {string} text
 */
export function parseCardFile(text) {
  must(utf8(text).length <= 3 * maxCard, 'C-7', 'longer than a card file');
  const content = readBlock(text, 'UNDERSEAL CARD', 'C-7');
  const [, card, name, email] = within((rule) => (rule === 'S-8' ? 'C-2' : 'C-7'), () => {
    must(content.length <= 2 * maxCard, 'S-1', 'longer than a card file');
    checkVersion(content, 4);
    return parse(content, 2 * maxCard, fileLayout);
  });
  const parsed = parseCard(card);
  return {
    card,
    member: parsed.member,
    device: parsed.device,
    name: checkOpening(name, parsed.name, 1).text,
    email: checkOpening(email, parsed.email, 2).text,
  };
}

/* Organization fingerprints */

const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

/** @param {number[]} values */
function polymod(values) {
  const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
  let checksum = 1;
  for (const value of values) {
    const top = checksum >>> 25;
    checksum = ((checksum & 0x1ffffff) << 5) ^ value;
    generator.forEach((g, i) => (checksum ^= (top >> i) & 1 ? g : 0));
  }
  return checksum >>> 0;
}

/**
 * Reads a Bech32 text of a number of bytes, or refuses it by a rule.
 * @param {string} text
 * @param {string} prefix
 * @param {number} size
 * @param {string} rule
 */
export function readBech32(text, prefix, size, rule) {
  must(text.length === prefix.length + 1 + Math.ceil((8 * size) / 5) + 6, rule, 'another length');
  const lower = text.toLowerCase();
  must(text === lower || text === text.toUpperCase(), rule, 'mixed case');
  must(lower.startsWith(`${prefix}1`), rule, 'another human-readable part');
  const words = [...lower.slice(prefix.length + 1)].map((c) => alphabet.indexOf(c));
  must(!words.includes(-1), rule, 'a character outside of the alphabet');
  const codes = [...prefix].map((c) => c.charCodeAt(0));
  must(polymod([...codes.map((c) => c >> 5), 0, ...codes.map((c) => c & 31), ...words]) === 1, rule, 'wrong checksum');
  const bits = words.slice(0, -6).map((word) => word.toString(2).padStart(5, '0')).join('');
  must(/^0*$/.test(bits.slice(8 * size)), rule, 'bits beyond the last byte');
  return Uint8Array.from({ length: size }, (_, i) => parseInt(bits.slice(8 * i, 8 * i + 8), 2));
}

/**
 * Reads an organization's fingerprint (C-11).
 * @param {string} text
 */
export const parseFingerprint = (text) => readBech32(text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, ''), 'underseal-org', 32, 'C-11');
