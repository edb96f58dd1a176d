import { acceptancePayload, checkAcceptance, deviceKeys, makeRecord, parseRecord } from '../src/device.js';
import { bytes, checkAll } from './vectors.js';

checkAll('device', {
  keys(v) {
    const keys = deviceKeys(bytes(v.secret));
    const record = makeRecord(keys, v.device_kind, bytes(v.label));
    const parsed = parseRecord(record);
    return {
      encryption_seed: keys.encryptionSeed,
      signing_seed: keys.signingSeed,
      sign_in_seed: keys.signInSeed,
      local_key: keys.localKey,
      device_kind: parsed.kind,
      label: parsed.label,
      record,
      id: parsed.id,
    };
  },
  record: (v) => ({ id: parseRecord(bytes(v.record)).id }),
  acceptance(v) {
    const parts = [v.organization, v.member, v.record].map(bytes);
    checkAcceptance(...parts, bytes(v.acceptance));
    return { payload: acceptancePayload(...parts) };
  },
});
