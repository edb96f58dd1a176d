import { DataKey } from '../src/suite.js';
import { readSecret, secretBox } from '../src/secret.js';
import { bytes, checkAll } from './vectors.js';

checkAll('secret', {
  secret(v) {
    const [organization, resource] = [bytes(v.organization), bytes(v.resource)];
    const keys = v.keys.map((key, i) => new DataKey(bytes(key), { organization, resource, kind: 1, epoch: i + 1 }));
    return {
      mailbox: secretBox(organization, resource),
      value: readSecret(v.secret, v.label, keys, v.messages.map(bytes)),
    };
  },
});
