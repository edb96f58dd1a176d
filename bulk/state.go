package bulk

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/underseal/underseal/officer"
)

// State is what one field holds in one record (spec/bulk.md, "Values").
type State uint8

// The states.
const (
	Absent     State = iota // no element
	Unset                   // an element that was never set
	Cleared                 // an element whose value was taken away
	Plain                   // a value in clear
	Sealed                  // a token under the present key
	Old                     // a token under an earlier key
	Unreadable              // a token that the caller cannot open
	Foreign                 // a token that does not belong
	Suspicious              // text that begins like a token and is none, or text in a twin
	Blocked                 // a value whose twin holds something else
	states                  // how many there are
)

var stateNames = [states]string{
	"absent", "unset", "cleared", "plain", "sealed", "old", "unreadable", "foreign", "suspicious", "blocked",
}

// String is the word of spec/bulk.md.
func (s State) String() string {
	if s >= states {
		return "unknown"
	}
	return stateNames[s]
}

// Empty tells whether there is nothing.
func (s State) Empty() bool { return s <= Cleared }

// Reason says why a value was left alone, or what is wrong with it. Its text
// rests in journals and is shown to people.
type Reason string

// The reasons.
const (
	InClear         Reason = "a value in clear in a protected field"
	TooLong         Reason = "its token is longer than the field keeps"
	OtherField      Reason = "a token of another field"
	OtherRecord     Reason = "a token of another record"
	OtherOwner      Reason = "a token under a key that this organization's log does not know"
	Altered         Reason = "an altered token"
	DraftToken      Reason = "a token that was sealed before its record had an id"
	NotGranted      Reason = "a token of a key that is not granted to you"
	KeyMissing      Reason = "a token of a key that the store withholds"
	LooksLike       Reason = "text that begins like a token and is none"
	ClearInTwin     Reason = "text in the field that holds tokens only"
	TwinTaken       Reason = "the field for its token holds something else"
	Unticked        Reason = "entered since: a checkbox may say false by itself, and its token says otherwise"
	FilledAgain     Reason = "the field for its token was filled while it was to be deleted"
	ChangedOften    Reason = "changed by others again and again"
	ChangedSince    Reason = "changed since the job"
	RefusedThere    Reason = "refused by the outside system"
	RecordGone      Reason = "the record is no longer there"
	FieldGone       Reason = "the field is no longer there"
	TwiceInRecord   Reason = "the field comes twice in one record"
	Repeated        Reason = "the record comes twice in the list"
	MissingRecord   Reason = "a record that was worked on is no longer listed"
	NeverHeardOf    Reason = "a write whose answer never came, and something else is there now: the journal has the token of what was"
	EmptiedSince    Reason = "a value that was sealed is gone"
	OtherTotal      Reason = "fewer or more records listed than the outside system counts"
	ValueNotSealed  Reason = "not text or JSON that can be sealed"
	SealedElsewhere Reason = "not sealed by this job on this device"
	OtherBefore     Reason = "the token that the journal has of before opens to something else"
	AlteredAndBack  Reason = "the outside system altered what was written; the value was put back"
)

// FieldCounts counts the values of one field by state.
type FieldCounts struct {
	Field   string // definition id
	Name    string
	Records int64
	States  [states]int64
	TooLong int64 // of those that are plain
	Longest int   // characters of the longest token: present or to be made
	Changed int64 // written by this run
	Skipped int64
	// SealedAgain, of those that are Changed, were tokens: of an ended field, or
	// under an earlier epoch where that is what the job does. A Plan counts
	// those that would be.
	SealedAgain int64
	// Epochs counts the tokens that were met, or written since, by the epoch that
	// their key is of, also where the caller cannot open it; in order, those of
	// ended fields first.
	Epochs []EpochCount
}

// EpochCount counts the tokens of a field under one epoch.
type EpochCount struct {
	Resource officer.ResourceID // the field, or an ended one whose place it took
	Ended    bool               // the latter
	Epoch    uint64
	Values   int64
}

// addEpoch counts n more tokens under an epoch, or fewer.
func (c *FieldCounts) addEpoch(of EpochCount, n int64) {
	if of.Epoch == 0 {
		return
	}
	of.Values = 0
	i, found := slices.BinarySearchFunc(c.Epochs, of, func(a, b EpochCount) int {
		if a.Ended != b.Ended {
			return map[bool]int{true: -1, false: 1}[a.Ended]
		}
		return cmp.Or(bytes.Compare(a.Resource[:], b.Resource[:]), cmp.Compare(a.Epoch, b.Epoch))
	})
	if !found {
		c.Epochs = slices.Insert(c.Epochs, i, of)
	}
	if c.Epochs[i].Values += n; c.Epochs[i].Values <= 0 {
		c.Epochs = slices.Delete(c.Epochs, i, i+1)
	}
}

// Of is the number of values in a state.
func (c FieldCounts) Of(s State) int64 { return c.States[s] }

// Tokens counts whatever claims to be a token.
func (c FieldCounts) Tokens() int64 {
	return c.Of(Sealed) + c.Of(Old) + c.Of(Unreadable) + c.Of(Foreign) + c.Of(Suspicious)
}

// Counts counts a run.
type Counts struct {
	Records int64 // met, each once for each pass
	Fields  []FieldCounts
}

// Sum adds up one number of all fields.
func (c Counts) Sum(of func(FieldCounts) int64) int64 {
	var n int64
	for _, f := range c.Fields {
		n += of(f)
	}
	return n
}
