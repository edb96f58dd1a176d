import { equal } from '../src/bytes.js';
import { headNumber, readHead, readStatement, seenBox } from '../src/seen.js';
import { bytes, checkAll } from './vectors.js';

checkAll('last-seen', {
  statement(v) {
    const [organization, device] = [bytes(v.organization), bytes(v.device)];
    const keyOf = (id) => {
      if (equal(id, device)) return v.key === undefined ? undefined : bytes(v.key);
      return equal(id, bytes(v.other)) ? bytes(v.other_key) : undefined;
    };
    const { length, hash, time } = readStatement(bytes(v.statement), organization, device, keyOf);
    return { mailbox: seenBox(organization, device), length, hash, time };
  },
  head(v) {
    const { organization, length, hash } = readHead(v.text ?? '');
    return { organization, length, hash, number: headNumber(organization, length, hash) };
  },
});
