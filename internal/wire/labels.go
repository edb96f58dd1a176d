package wire

// Labels separate the purposes of signatures, hashes and derived keys. Every
// signed or sealed thing has one of its own; none is used twice
// (TestLabelsDistinct). They are constants of format version 1.
const (
	LabelOrganization = "underseal/v1/organization" // organization id from the genesis entry
	LabelEntry        = "underseal/v1/entry"        // signature of a log entry
	LabelEntryHash    = "underseal/v1/entry-hash"   // hash chain of the log
	LabelCard         = "underseal/v1/card"         // signature of a card
	LabelFingerprint  = "underseal/v1/fingerprint"  // member id from a card
	LabelSafetyNumber = "underseal/v1/safety-number"
	LabelDevice       = "underseal/v1/device"       // signature of a device record
	LabelDeviceID     = "underseal/v1/device-id"    // device id from a device record
	LabelPublicKey    = "underseal/v1/public-key"   // hash of an X-Wing public key
	LabelText         = "underseal/v1/text"         // salted commitment to a name, email or label
	LabelEnvelope     = "underseal/v1/envelope"     // HPKE info and signature of an envelope
	LabelIndex        = "underseal/v1/index"        // index under which a store files envelopes
	LabelSecret       = "underseal/v1/secret"       //nolint:gosec // mailbox of an organization secret
	LabelSecretValue  = "underseal/v1/secret-value" //nolint:gosec // digest of its value, which is the label of its resource

	LabelDataKey  = "underseal/v1/data-key"  // HKDF salt of every data key
	LabelCommit   = "underseal/v1/commit"    // its commitment
	LabelKeyTag   = "underseal/v1/tag"       // K_tag: record tags
	LabelKeyRec   = "underseal/v1/record"    // K_rec: record keys
	LabelKeyPrev  = "underseal/v1/prev"      // K_prev: the previous epoch's key
	LabelKeyName  = "underseal/v1/name"      // K_name: openings of names and labels
	LabelToken    = "us1"                    // associated data and prefix of a token
	LabelDraft    = "draft"                  // first item of a record name without an id
	LabelCache    = "underseal/v1/cache"     // MAC of a client's verified cache
	LabelPin      = "underseal/v1/pin"       // MAC of what a client pins: an organization and its head
	LabelRehearse = "underseal/v1/rehearse"  // MAC of which backups were rehearsed on a device
	LabelHanded   = "underseal/v1/handed"    // MAC of which keys a device has handed out for entries to come
	LabelLook     = "underseal/v1/look"      // MAC of what a client saw of an outside system's fields
	LabelLastSeen = "underseal/v1/last-seen" // signed last-seen statement
	LabelManifest = "underseal/v1/manifest"  // folder manifest entries (reserved)
	LabelMeta     = "underseal/v1/meta"      // document metadata (reserved)
	LabelInvite   = "underseal/v1/invite"    // terms of an invitation
	LabelPolicy   = "underseal/v1/policy"    // other officers' signatures under a policy (reserved)
	LabelRecordID = "underseal/v1/record-id" // K_id: names of shared records in the log (reserved)
	LabelEscrow   = "underseal/v1/escrow"    // a user key's seed under an escrow key

	LabelLastSeenBox = "underseal/v1/last-seen-box" // mailbox of a device's last-seen statement
	LabelHeadNumber  = "underseal/v1/head-number"   // digits of a head, for comparing by voice

	LabelInviteBox     = "underseal/v1/invite-mailbox" // its mailbox
	LabelInviteMessage = "underseal/v1/invite-message" // what the officer leaves there
	LabelInviteAnswer  = "underseal/v1/invite-answer"  // what the invited person leaves there
	LabelInviteCard    = "underseal/v1/invite-card"    // the card within an answer

	LabelBulkJob = "underseal/v1/bulk-job" // id of a bulk job

	LabelPairing       = "underseal/v1/pairing"           // HKDF salt of what derives from a pairing code
	LabelPairingBox    = "underseal/v1/pairing-box"       // mailbox of a pairing
	LabelPairingOffer  = "underseal/v1/pairing-offer"     // key of what the old device says first
	LabelPairingAnswer = "underseal/v1/pairing-answer"    // key of what the new device answers
	LabelPairingReveal = "underseal/v1/pairing-reveal"    // key of what the old device says then
	LabelPairingSign   = "underseal/v1/pairing-signature" // the old device's signature of an offer
	LabelPairingNonce  = "underseal/v1/pairing-nonce"     // commitment to the old device's nonce
	LabelPairingWords  = "underseal/v1/pairing-words"     // the six words of confirmation

	LabelDevKeys       = "underseal/v1/device-keys"       // HKDF salt of what a device derives from its secret
	LabelDevEncryption = "underseal/v1/device-encryption" // its X-Wing seed
	LabelDevSigning    = "underseal/v1/device-signing"    // its Ed25519 seed for entries, envelopes, cards
	LabelDevSignIn     = "underseal/v1/device-sign-in"    // its Ed25519 seed for a relay's challenge
	LabelDevLocal      = "underseal/v1/device-local"      // the MAC key of what it keeps at home
	LabelDevSealed     = "underseal/v1/device-sealed"     // the key of secrets that it keeps at home
)
