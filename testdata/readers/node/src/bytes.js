/** Bytes and text. */

const encoder = new TextEncoder();
// Without ignoreBOM a leading U+FEFF would silently be dropped.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @param {string} text */
export const utf8 = (text) => encoder.encode(text);

/**
 * The text of UTF-8 bytes, or undefined if they are not valid.
 * @param {Uint8Array} bytes
 */
export function fromUtf8(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** @param {...Uint8Array} parts */
export function concat(...parts) {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    all.set(p, at);
    at += p.length;
  }
  return all;
}

/** @param {Uint8Array} bytes */
export const hex = (bytes) => Buffer.from(bytes).toString('hex');

/** @param {string} text */
export function unhex(text) {
  const bytes = new Uint8Array(Buffer.from(text, 'hex'));
  if (hex(bytes) !== text) throw new TypeError('not hexadecimal');
  return bytes;
}

/**
 * Compares without leaving early at the first difference.
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
export function equal(a, b) {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}
