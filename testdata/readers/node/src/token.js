/** token.md: a sealed value as text. */
import { concat, equal, fromUtf8, hex, utf8 } from './bytes.js';
import { encode } from './cbor.js';
import { Refusal, must } from './refusal.js';
import { hmac, kinds, xopen } from './suite.js';

const prefix = 'us1.';
const maxValue = 1048576;
const maxRaw = 1048649;
const maxJsonDepth = 10000;
export const types = { text: 1, json: 2, binary: 3 };

/** @typedef {import('./suite.js').DataKey} DataKey */
/** @typedef {{connector: string, account: string, kind: string, id: string, generation: number}} Record */

/** @param {Record} record */
export const recordName = ({ connector, account, kind, id, generation }) =>
  encode([connector, account, kind, id, generation]);

/** @param {DataKey} key @param {Uint8Array} name */
export const recordTag = (key, name) => hmac(key.derive('underseal/v1/tag'), name).slice(0, 8);

/** @param {DataKey} key @param {Uint8Array} tag */
export const recordKey = (key, tag) => hmac(key.derive('underseal/v1/record'), tag);

/**
 * Parses a token (T-1 to T-4).
 * @param {string} text
 */
export function parseToken(text) {
  must(text.startsWith(prefix), 'T-1', 'not a token');
  const digits = text.slice(prefix.length);
  must(/^[A-Za-z0-9_-]+$/.test(digits), 'T-2', 'not base64url');
  must(digits.length % 4 !== 1, 'T-2', 'a number of characters that no bytes have');
  const raw = new Uint8Array(Buffer.from(digits, 'base64url'));
  must(Buffer.from(raw).toString('base64url') === digits, 'T-2', 'bits beyond the last byte');
  must(raw[0] <= 1, 'T-3', `version ${raw[0]}, only 1 is known`);
  must(raw[0] === 1, 'T-4', 'version 0');
  must(raw.length >= 73 && raw.length <= maxRaw && (raw.length - 57) % 16 === 0, 'T-4', 'a length that no token has');
  return {
    keyId: raw.subarray(1, 9),
    tag: raw.subarray(9, 17),
    nonce: raw.subarray(17, 41),
    sealed: raw.subarray(41),
  };
}

/**
 * Opens a token.
 * @param {string} text
 * @param {DataKey[]} keys that are held
 * @param {Record} [record] that it is to belong to
 */
export function openToken(text, keys, record) {
  const { keyId, tag, nonce, sealed } = parseToken(text);
  const key = keys.find((k) => k.kind === kinds.field && equal(k.keyId, keyId));
  if (key === undefined) throw new Refusal('T-5', `no key ${hex(keyId)}`);
  const associatedData = concat(utf8('us1'), Uint8Array.of(1), key.commitment, tag);
  const plaintext = xopen(recordKey(key, tag), nonce, associatedData, sealed);
  if (plaintext === undefined) throw new Refusal('T-6', 'does not open');

  const mark = plaintext.findLastIndex((byte) => byte !== 0);
  must(mark >= plaintext.length - 16 && plaintext[mark] === 0x80, 'T-8', 'no mark in its place');
  must(mark >= 1, 'T-8', 'no type');
  const type = plaintext[0] & 0x7f;
  const draft = plaintext[0] >= 0x80;
  must(type >= 1 && type <= 3, 'T-9', `type ${type}`);
  const value = plaintext.slice(1, mark);
  must(value.length <= maxValue, 'T-11', 'longer than a value');
  checkValue(type, value);

  const opened = { type, value, tag, associatedData, plaintext };
  if (draft) return { ...opened, binding: 'not bound' };
  if (record === undefined) return { ...opened, binding: 'record not checked' };
  must(equal(recordTag(key, recordName(record)), tag), 'T-7', 'of another record');
  return { ...opened, binding: 'bound' };
}

/**
 * Checks that a value is of its type (T-10).
 * @param {number} type
 * @param {Uint8Array} value
 */
function checkValue(type, value) {
  if (type === types.binary) return;
  const text = fromUtf8(value);
  must(text !== undefined, 'T-10', 'not UTF-8');
  if (type === types.text) return;
  must(!/^[ \t\r\n]|[ \t\r\n]$/.test(text), 'T-10', 'white space around the JSON text');
  must(jsonDepth(text) <= maxJsonDepth, 'T-10', 'JSON nested too deeply');
  try {
    JSON.parse(text);
  } catch {
    // The cause would quote the value.
    throw new Refusal('T-10', 'not a JSON text');
  }
}

/** How deep the arrays and objects of a JSON text are nested. @param {string} text */
function jsonDepth(text) {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') quoted = !quoted;
    else if (quoted) i += c === '\\' ? 1 : 0;
    else if (c === '[' || c === '{') deepest = Math.max(deepest, ++depth);
    else if (c === ']' || c === '}') depth--;
  }
  return deepest;
}
