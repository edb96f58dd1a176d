import assert from 'node:assert/strict';
import { concat } from '../src/bytes.js';
import { compareEvidence, readEvidence } from '../src/evidence.js';
import { bytes, checkAll } from './vectors.js';

/** The file that parts make. */
const whole = (names, { entries }) =>
  concat(
    ...names.map((name) => {
      assert.ok(entries[name] !== undefined, `no part ${name}`);
      return bytes(entries[name]);
    }),
  );

checkAll('evidence', {
  file(v, file) {
    const { state, statements } = readEvidence(whole(v.file, file));
    return { organization: state.organization, length: state.length, head: state.head, statements };
  },
  'two files'(v, file) {
    const [one, other] = [readEvidence(whole(v.file, file)), readEvidence(whole(v.other, file))];
    const results = compareEvidence(one, other);
    assert.deepEqual(compareEvidence(other, one), results);
    return results;
  },
});
