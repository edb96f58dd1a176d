/** policy-proposal.md: a policy on its way from one officer to the next. */
import { equal, utf8 } from './bytes.js';
import { readBlock } from './card.js';
import { bstr, checkVersion, parse, tuple, uint } from './cbor.js';
import { policyLayout } from './entry.js';
import { checkPolicy, numbers, policySigners } from './members.js';
import { must, within } from './refusal.js';

const maxText = 65536;
const maxContent = 32768;

const layout = tuple(uint(), bstr(32), uint(), bstr(32), policyLayout);

/**
 * Reads a proposal and holds it against a log (Y-1 to Y-6).
 * @param {string} text
 * @param {import('./log.js').State} state
 */
export function readProposal(text, state) {
  must(utf8(text).length <= maxText, 'Y-2', 'longer than a proposal');
  const content = readBlock(text, 'UNDERSEAL POLICY PROPOSAL', 'Y-2');
  const [, organization, length, hash, { cosigned, ...policy }] = within((rule) => (rule === 'S-8' ? 'Y-1' : 'Y-2'), () => {
    must(content.length <= maxContent, 'S-1', 'longer than a proposal');
    checkVersion(content, 5);
    return parse(content, maxContent, layout);
  });
  checkPolicy(policy, cosigned, 'Y-3');
  must(equal(organization, state.organization), 'Y-4', 'of another organization');
  must(length === state.length && equal(hash, state.head), 'Y-5', 'for another head');
  const signers = new Set();
  policySigners(state, length, hash, policy, cosigned, 'Y-6', signers);
  return { policy: numbers(policy), signers: [...signers] };
}
