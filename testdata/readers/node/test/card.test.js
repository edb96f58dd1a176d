import { openText, parseCard, parseCardFile, parseFingerprint, safetyNumber } from '../src/card.js';
import { bytes, checkAll } from './vectors.js';

checkAll('card', {
  card(v) {
    const card = parseCard(bytes(v.card));
    return {
      member: card.member,
      user_key: card.userKey,
      commitment: card.commitment,
      device: card.device.id,
      safety_number: safetyNumber(card.member),
    };
  },
  'card file'(v) {
    const { card, member } = parseCardFile(v.file);
    return { card, member };
  },
  opening(v) {
    const { kind, salt, text } = openText(bytes(v.encoded), bytes(v.commitment), v.text_kind);
    return { text_kind: kind, salt, text };
  },
  'safety number': (v) => ({ safety_number: safetyNumber(bytes(v.member)) }),
  fingerprint: (v) => ({ organization: parseFingerprint(v.fingerprint) }),
});
