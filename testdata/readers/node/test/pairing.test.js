import { pairingKey, parseCode, readAnswer, readOffer, readReveal } from '../src/pairing.js';
import { bytes, checkAll } from './vectors.js';

checkAll('pairing', {
  code(v) {
    const code = parseCode(v.typed ?? '');
    const key = (name) => pairingKey(code, `underseal/v1/pairing-${name}`);
    return { code, mailbox: key('box'), offer_key: key('offer'), answer_key: key('answer'), reveal_key: key('reveal') };
  },
  offer(v) {
    const { record, ...offer } = readOffer(bytes(v.code), bytes(v.offer));
    return offer;
  },
  answer(v) {
    const { record, ...answer } = readAnswer(bytes(v.code), bytes(v.offer), bytes(v.answer));
    return answer;
  },
  reveal: (v) => readReveal(bytes(v.code), bytes(v.offer), bytes(v.answer), bytes(v.reveal)),
});
