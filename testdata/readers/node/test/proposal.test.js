import { replay } from '../src/log.js';
import { readProposal } from '../src/proposal.js';
import { bytes, checkAll } from './vectors.js';

checkAll('policy-proposal', {
  'policy-proposal'(v, { entries }) {
    const state = replay(bytes(v.organization), v.log.map((name) => bytes(entries[name])));
    const { policy, signers } = readProposal(v.file, state);
    return { policy, ...(v.signers && { signers }) };
  },
});
