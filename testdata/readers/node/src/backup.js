/** backup.md: a device's secret as text, as words, and in a file. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { equal, hex, utf8 } from './bytes.js';
import { encode } from './cbor.js';
import { readBech32 } from './card.js';
import { deviceKeys, makeRecord, parseRecord } from './device.js';
import { Refusal, must } from './refusal.js';
import { sha256, sum } from './suite.js';

const prefix = 'underseal-backup-';
const maxInput = 4096;
const payloadSize = 73;
const wordCount = 24;

/** BIP 39's English list, which the page fixes by its hash. */
const list = readFileSync(new URL('../../../../keyring/kit/english.txt', import.meta.url), 'utf8');
const listHash = createHash('sha256').update(list).digest('hex');
if (listHash !== '2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda') throw new Error('another list of words');
const all = list.trimEnd().split('\n');

const bitsOf = (bytes) => [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
const checksum = (secret) => bitsOf(sha256(secret)).slice(0, 8);

/**
 * The forms of a device's secret.
 * @param {Uint8Array} secret
 * @param {{organization: Uint8Array, kind: number, label: string, salt: Uint8Array}} of
 */
export function makeBackup(secret, { organization, kind, label, salt }) {
  const commitment = sum('underseal/v1/text', encode([4, salt, label]));
  const device = parseRecord(makeRecord(deviceKeys(secret), kind, commitment)).id;
  const bits = bitsOf(secret) + checksum(secret);
  const words = bits.match(/.{11}/g).map((n) => all[parseInt(n, 2)]);
  return { device, words: words.join(' ') };
}

/** Reads a text form (W-1 to W-3). @param {string} typed */
export function readText(typed) {
  must(utf8(typed).length <= maxInput, 'W-1', 'too long');
  const payload = readBech32(typed.replace(/[ \t\r\n]+/g, ''), prefix, payloadSize, 'W-2');
  must(payload[0] === 1, 'W-3', `version ${payload[0]}`);
  return { organization: payload.slice(1, 33), device: payload.slice(33, 41), secret: payload.slice(41) };
}

/** Reads words (W-1, W-4 to W-6). @param {string} typed */
export function readWords(typed) {
  must(utf8(typed).length <= maxInput, 'W-1', 'too long');
  const words = [];
  const numbers = [];
  let number;
  for (const part of typed.toLowerCase().split(/[\s.,;:()#-]+/).filter(Boolean)) {
    const [, digits, word] = /^(\d*)(.*)$/.exec(part);
    if (digits !== '') {
      must(number === undefined, 'W-4', 'a number without its word');
      number = Number(digits);
      must(number >= 1 && number <= wordCount, 'W-4', `number ${number}`);
    }
    if (word === '') continue;
    words.push(word);
    if (number !== undefined) numbers.push(number);
    number = undefined;
  }
  must(number === undefined, 'W-4', 'a number without its word');
  must(words.length === wordCount, 'W-4', `${words.length} words`);
  must(numbers.length === 0 || numbers.length === wordCount, 'W-4', 'numbers on some words alone');
  must(new Set(numbers).size === numbers.length, 'W-4', 'a number twice');
  const placed = Array(wordCount);
  words.forEach((word, i) => (placed[(numbers[i] ?? i + 1) - 1] = word));
  const bits = placed
    .map((word, i) => {
      const n = all.indexOf(word);
      must(n >= 0, 'W-5', `word ${i + 1}`);
      return n.toString(2).padStart(11, '0');
    })
    .join('');
  const secret = Uint8Array.from(bits.slice(0, 256).match(/.{8}/g), (byte) => parseInt(byte, 2));
  must(bits.slice(256) === checksum(secret), 'W-6', 'another checksum');
  return { secret };
}

/** Reads what is in a file (W-2, W-3, W-7). @param {string} content */
export function readFile(content) {
  const lines = content.split('\n').map((line) => line.replace(/^[ \t\r]+|[ \t\r]+$/g, ''));
  const texts = lines.filter((line) => line !== '' && !line.startsWith('#'));
  must(texts.length === 1, 'W-7', `${texts.length} lines`);
  must(!/\s/.test(texts[0]), 'W-2', 'white space in the line');
  return readText(texts[0]);
}

/**
 * The device that a backup opens (W-8, W-9).
 * @param {string} typed
 * @param {Uint8Array} organization that is pinned
 * @param {Uint8Array[]} records of the devices in the log
 */
export function findDevice(typed, organization, records) {
  const copy = /^\s*underseal/i.test(typed) ? readText(typed) : readWords(typed);
  must(copy.organization === undefined || equal(copy.organization, organization), 'W-8', 'of another organization');
  for (const bytes of records) {
    const { kind, label, id } = parseRecord(bytes);
    if (kind === 1 || !equal(makeRecord(deviceKeys(copy.secret), kind, label), bytes)) continue;
    if (copy.device === undefined || hex(id).startsWith(hex(copy.device))) return id;
  }
  throw new Refusal('W-9', 'of no device');
}
