import { findDevice, makeBackup, readFile, readText, readWords } from '../src/backup.js';
import { bytes, checkAll } from './vectors.js';

checkAll('backup', {
  backup(v) {
    const of = { organization: bytes(v.organization), kind: v.device_kind, label: v.label, salt: bytes(v.salt) };
    const { device, words } = makeBackup(bytes(v.secret), of);
    const { secret, organization } = readText(v.text);
    return { device, words, secret, organization, ...readWords(v.words) };
  },
  text: (v) => readText(v.typed ?? ''),
  words: (v) => readWords(v.typed ?? ''),
  file: (v) => readFile(v.content ?? ''),
  device: (v) => ({ device: findDevice(v.typed, bytes(v.organization), (v.records ?? []).map(bytes)) }),
});
