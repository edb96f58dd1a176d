/** Reads the vector files and holds every vector against the reader. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { unhex } from '../src/bytes.js';
import { Refusal } from '../src/refusal.js';

const folder = new URL('../../../vectors/', import.meta.url);

/**
 * The content of a vector file. Integers that a number does not hold become bigints.
 * @param {string} name
 */
export function load(name) {
  const text = readFileSync(new URL(`${name}.json`, folder), 'utf8');
  const marked = text.replace(/^(\s*(?:"[^"\\]*": )?)(\d{16,})(,?)$/gm, '$1"bigint $2"$3');
  const revive = (_, value) => (/^bigint \d+$/.test(value) ? BigInt(value.slice(7)) : value);
  const file = JSON.parse(marked, revive);
  assert.equal(file.format, `underseal ${name} vectors`);
  assert.equal(file.version, 1);
  assert.ok(Array.isArray(file.vectors) && file.vectors.length > 0, `${name}.json has no vectors`);
  return file;
}

/** Bytes of a field, which is left out when there are none. @param {string} [field] */
export const bytes = (field = '') => unhex(field);

/** A context of the vectors. */
export const context = ({ organization, resource, kind = 0, epoch = 0 }) => ({
  organization: bytes(organization),
  resource: bytes(resource),
  kind,
  epoch,
});

/**
 * Makes one test of each vector. A check reads the vector and returns what it must
 * have as results; for a vector with a rule it must be refused by that rule.
 * @param {string} name of the file
 * @param {Record<string, (vector: any, file: any) => Record<string, unknown>>} checks by kind
 */
export function checkAll(name, checks) {
  const file = load(name);
  const seen = new Set();
  for (const vector of file.vectors) {
    const kind = vector.kind ?? name;
    seen.add(kind);
    test(`${kind}: ${vector.name}`, () => {
      const check = checks[kind];
      assert.ok(check, `vectors of kind ${kind} are not known`);
      if (vector.rule !== undefined) {
        assert.match(vector.rule, /^[A-Z]-\d+$/);
        assert.throws(() => check(vector, file), (error) => {
          if (!(error instanceof Refusal)) throw error;
          assert.equal(error.rule, vector.rule, error.message);
          return true;
        });
        return;
      }
      const results = check(vector, file);
      for (const [field, value] of Object.entries(results)) {
        const want = vector[field] ?? '';
        assert.deepEqual(value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value, want, field);
      }
    });
  }
  test('every kind has vectors', () => assert.deepEqual([...seen].sort(), Object.keys(checks).sort()));
}
