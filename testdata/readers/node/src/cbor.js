/**
 * The restricted CBOR of suite.md, "Encoding". First the bytes are decoded to
 * plain items, then a layout is held against them. Items are
 *
 *   uint   a number, or a bigint above 2^53 - 1
 *   bstr   Uint8Array
 *   tstr   string
 *   array  Array
 *   map    Map with uint keys
 */
import { concat, fromUtf8, utf8 } from './bytes.js';
import { must } from './refusal.js';

export const maxDepth = 8;
export const maxElements = 8192;
export const maxMapPairs = 32;

/**
 * Decodes one item that fills the bytes.
 * @param {Uint8Array} bytes
 * @param {number} limit the greatest length of the structure
 */
export function decode(bytes, limit) {
  must(bytes.length <= limit, 'S-1', `more than ${limit} bytes`);
  const reader = new Reader(bytes);
  const item = reader.item(0);
  must(reader.at === bytes.length, 'S-2', 'bytes after the item');
  return item;
}

class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  /** @param {number | bigint} n */
  take(n) {
    must(n <= this.bytes.length - this.at, 'S-2', 'cut short');
    return this.bytes.subarray(this.at, (this.at += Number(n)));
  }

  /** Reads a head: the major type and its argument. */
  head() {
    const [first] = this.take(1);
    const major = first >> 5;
    const info = first & 0x1f;
    must(major !== 7 && major !== 6 && major !== 1, 'S-4', 'tag, negative integer, float or simple value');
    must(info !== 31 || major === 0, 'S-3', 'indefinite length');
    must(info <= 27, 'S-2', 'reserved head');
    if (info < 24) return { major, argument: info };
    const size = 1 << (info - 24);
    let argument = 0n;
    for (const byte of this.take(size)) argument = (argument << 8n) | BigInt(byte);
    const least = [24n, 1n << 8n, 1n << 16n, 1n << 32n][info - 24];
    must(argument >= least, 'S-3', 'integer or length in a longer form');
    return { major, argument: argument <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(argument) : argument };
  }

  /** @param {number} depth arrays and maps around the item */
  item(depth) {
    const { major, argument } = this.head();
    must(major < 4 || depth < maxDepth, 'S-9', `nested deeper than ${maxDepth}`);
    switch (major) {
      case 0:
        return argument;
      case 2:
        return this.take(argument).slice();
      case 3: {
        const text = fromUtf8(this.take(argument));
        must(text !== undefined, 'S-7', 'text is not UTF-8');
        return text;
      }
      case 4: {
        must(argument <= maxElements, 'S-9', 'too many items');
        const items = [];
        for (let i = 0; i < argument; i++) items.push(this.item(depth + 1));
        return items;
      }
      default:
        return this.map(argument, depth);
    }
  }

  /**
   * @param {number | bigint} pairs
   * @param {number} depth
   */
  map(pairs, depth) {
    must(pairs <= maxMapPairs, 'S-9', 'too many pairs');
    const map = new Map();
    let last = -1;
    for (let i = 0; i < pairs; i++) {
      const key = this.item(depth + 1);
      must(isUint(key), 'S-5', 'a map key is not an unsigned integer');
      must(key !== last, 'S-5', 'map key twice');
      must(key > last, 'S-3', 'map keys out of order');
      last = key;
      map.set(key, this.item(depth + 1));
    }
    return map;
  }
}

/** @param {unknown} item */
const isUint = (item) => typeof item === 'number' || typeof item === 'bigint';

/**
 * Encodes an item. Fields of a map that are undefined are left out.
 * @param {unknown} item
 * @returns {Uint8Array}
 */
export function encode(item) {
  if (typeof item === 'number' || typeof item === 'bigint') return head(0, item);
  if (item instanceof Uint8Array) return concat(head(2, item.length), item);
  if (typeof item === 'string') {
    const bytes = utf8(item);
    return concat(head(3, bytes.length), bytes);
  }
  if (Array.isArray(item)) return concat(head(4, item.length), ...item.map(encode));
  if (item instanceof Map) {
    const pairs = [...item].filter(([, value]) => value !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
    return concat(head(5, pairs.length), ...pairs.flat().map(encode));
  }
  throw new TypeError('not an item of the formats');
}

/**
 * @param {number} major
 * @param {number | bigint} argument
 */
function head(major, argument) {
  if (typeof argument === 'number' && !Number.isSafeInteger(argument)) throw new RangeError('not a safe integer');
  const n = BigInt(argument);
  if (n < 0n || n >= 1n << 64n) throw new RangeError('not a uint');
  if (n < 24n) return Uint8Array.of((major << 5) | Number(n));
  const log = n < 1n << 8n ? 0 : n < 1n << 16n ? 1 : n < 1n << 32n ? 2 : 3;
  const bytes = new Uint8Array(1 + (1 << log));
  bytes[0] = (major << 5) | (24 + log);
  for (let i = bytes.length - 1, rest = n; i > 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return bytes;
}

/**
 * Looks at the version of a versioned structure before it is decoded.
 * @param {Uint8Array} bytes
 * @param {number} items
 */
export function checkVersion(bytes, items) {
  must(bytes[0] === 0x80 + items, 'S-5', `not an array of ${items} items`);
  const long = bytes[1] === 0x18;
  const version = long ? bytes[2] : bytes[1];
  must(version !== undefined && version > 0 && long === version >= 24, 'S-5', 'no version');
  must(version === 1, 'S-8', `version ${version}, only 1 is known`);
}

/* Layouts. A layout takes an item and returns it, or refuses it by S-5 to S-7. */

/** @typedef {(item: unknown) => any} Layout */

/**
 * @param {number | bigint} [max]
 * @returns {Layout}
 */
export const uint = (max = (1n << 64n) - 1n) => (item) => {
  must(isUint(item) && item <= max, 'S-5', 'not an unsigned integer of the range');
  return item;
};

/**
 * @param {number} [size]
 * @returns {Layout}
 */
export const bstr = (size) => (item) => {
  must(item instanceof Uint8Array, 'S-5', 'not a byte string');
  must(size === undefined || item.length === size, 'S-5', `not ${size} bytes`);
  return item;
};

/** @type {Layout} */
export const tstr = (item) => {
  must(typeof item === 'string', 'S-5', 'not a text string');
  return item;
};

/** @type {Layout} */
export const any = (item) => item;

/** @type {Layout} */
export const anyMap = (item) => {
  must(item instanceof Map, 'S-5', 'not a map');
  return item;
};

/**
 * An array of exactly these items.
 * @param {...Layout} layouts
 * @returns {Layout}
 */
export const tuple = (...layouts) => (item) => {
  must(Array.isArray(item) && item.length === layouts.length, 'S-5', `not an array of ${layouts.length} items`);
  return layouts.map((layout, i) => layout(item[i]));
};

/**
 * An array of any number of items of one layout.
 * @param {Layout} layout
 * @returns {Layout}
 */
export const list = (layout) => (item) => {
  must(Array.isArray(item), 'S-5', 'not an array');
  return item.map(layout);
};

/**
 * A map, returned as an object by the names of its fields.
 * @param {Record<number, [name: string, layout: Layout, optional?: 'optional']>} fields
 * @returns {Layout}
 */
export const struct = (fields) => (item) => {
  anyMap(item);
  for (const key of item.keys()) must(fields[key] !== undefined, 'S-5', `unknown field ${key}`);
  const object = {};
  for (const [key, [name, layout, optional]] of Object.entries(fields)) {
    const value = item.get(Number(key));
    if (value === undefined) {
      must(optional, 'S-5', `field ${key} is missing`);
      continue;
    }
    object[name] = layout(value);
    must(!optional || !isEmpty(value), 'S-6', `optional field ${key} is present and empty`);
  }
  return object;
};

/** @param {any} value */
const isEmpty = (value) => value === 0 || value.length === 0 || value.size === 0;

/**
 * Decodes bytes of one layout.
 * @param {Uint8Array} bytes
 * @param {number} limit
 * @param {Layout} layout
 */
export function parse(bytes, limit, layout) {
  return layout(decode(bytes, limit));
}

