import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat } from '../src/bytes.js';
import { any, decode, encode, list, maxElements, parse, tuple, uint } from '../src/cbor.js';

const nested = (n) => concat(new Uint8Array(n).fill(0x81), Uint8Array.of(0));

test('arrays nest eight deep and no deeper', () => {
  decode(nested(8), 100);
  assert.throws(() => decode(nested(9), 100), { rule: 'S-9' });
  assert.throws(() => decode(nested(8).with(8, 0x80), 100), { rule: 'S-9' }, 'an empty array is one');
  assert.throws(() => decode(nested(100_000), 1_000_000), { rule: 'S-9' });
});

test('arrays and maps are bounded before their items are read', () => {
  const items = (n) => concat(Uint8Array.of(0x99, n >> 8, n & 0xff), new Uint8Array(n));
  assert.equal(decode(items(maxElements), 10_000).length, maxElements);
  assert.throws(() => decode(items(maxElements + 1), 10_000), { rule: 'S-9' });
  assert.throws(() => decode(Uint8Array.of(0x9b, 255, 255, 255, 255, 255, 255, 255, 255), 100), { rule: 'S-9' });
  const pairs = (n) => encode(new Map(Array.from({ length: n }, (_, i) => [i, 0])));
  assert.equal(decode(pairs(32), 100).size, 32);
  assert.throws(() => decode(pairs(33), 100), { rule: 'S-9' });
});

test('integers keep their value at every size', () => {
  for (let bits = 0n; bits < 64n; bits++) {
    for (const n of [(1n << bits) - 1n, 1n << bits]) {
      const [value] = parse(encode([n]), 100, list(uint()));
      assert.equal(BigInt(value), n);
      assert.deepEqual(encode([value]), encode([n]));
    }
  }
  assert.throws(() => parse(encode([256]), 100, tuple(uint(255))), { rule: 'S-5' });
});

test('every head that is not of the subset is refused', () => {
  for (let first = 0; first < 256; first++) {
    const major = first >> 5;
    if ((first & 0x1f) < 28 && [0, 2, 3, 4, 5].includes(major)) continue;
    assert.throws(() => parse(Uint8Array.of(first, 0, 0), 100, any), { name: 'Refusal', rule: /^S-[234]$/ });
  }
});
