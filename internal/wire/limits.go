package wire

// Version is the format version that this program reads and writes. There is
// no negotiation: a version fixes suite, layouts and limits (P8).
const Version = 1

// Bounds on what is read from outside, each with its reason. They are part of
// the format: a writer stays inside them, so a reader may refuse what exceeds
// them before it spends memory or time.
const (
	// MaxDepth bounds nesting of arrays and maps. The deepest structure, an
	// entry's body with the items of a directory operation, needs 6.
	MaxDepth = 8
	// MaxElements bounds one array. An entry holds at most MaxOperations,
	// and no other list is longer.
	MaxElements = MaxOperations
	// MaxMapPairs bounds one map. The widest structure has 8 fields.
	MaxMapPairs = 32
	// MaxEntry bounds one log entry: 1,000 removals with their rotations of
	// about 200 bytes each fit four times over; larger plans ride in blobs.
	MaxEntry = 1 << 20
	// MaxOperations bounds the operations of one entry.
	MaxOperations = 8192
	// MaxEnvelope bounds one envelope: 1,120 bytes of encapsulation, 48 of
	// ciphertext, 64 of signature and about 250 of context.
	MaxEnvelope = 4096
	// MaxCard bounds a card file: two public keys of 1,216 bytes and the
	// openings of a name and an email of at most MaxText bytes each.
	MaxCard = 8192
	// MaxText bounds names, emails and labels in bytes. 255 characters of the
	// widest scripts fit.
	MaxText = 1024
	// MaxBinding bounds each part of a binding or record name in bytes: the
	// longest external ids seen are URLs.
	MaxBinding = 1024
	// MaxValue bounds one sealed value in bytes: sixteen times the largest
	// custom field seen, small enough to hold several in memory.
	MaxValue = 1 << 20
	// MaxBlob bounds a blob of the store; documents do not travel as blobs.
	MaxBlob = 16 << 20
	// MaxMail bounds one mailbox message: a card with room to grow.
	MaxMail = 64 << 10
)
