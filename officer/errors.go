package officer

import (
	"errors"
	"fmt"
)

// Reasons for which a log or an entry is refused, one for each class.
var (
	ErrChain        = errors.New("does not continue the log")                               // sequence or previous hash
	ErrOrganization = errors.New("belongs to another organization")                         //
	ErrGenesis      = errors.New("not a genesis entry")                                     //
	ErrSignature    = errors.New("not signed by its author")                                //
	ErrAuthor       = errors.New("the author device is unknown or was removed")             //
	ErrAuthority    = errors.New("the author may not do this")                              // the authority table
	ErrIncomplete   = errors.New("lacks the rotation or closing that it requires")          // P7
	ErrDuplicate    = errors.New("already in the log")                                      // ids, keys, cards, bindings
	ErrUnknown      = errors.New("names something that is not in the log")                  //
	ErrOperation    = errors.New("malformed operation")                                     //
	ErrUnknownOp    = errors.New("an operation that this program does not know")            // attack 37
	ErrEpoch        = errors.New("not the epoch that comes next")                           //
	ErrKey          = errors.New("unacceptable public key")                                 // attack 41
	ErrRole         = errors.New("unknown role")                                            //
	ErrRights       = errors.New("rights that the author does not hold or cannot hand out") //
	ErrLast         = errors.New("nobody would be left")                                    // last device, last sharer
	ErrCard         = errors.New("not a valid card")                                        //
	ErrOpening      = errors.New("the opened text does not match its commitment")           //
	ErrText         = errors.New("a name, email or label is empty, too long, not UTF-8, or holds what is not seen")
	ErrEmpty        = errors.New("the log is empty")                //
	ErrCache        = errors.New("the cached state cannot be read") //
	ErrEnded        = errors.New("no longer in use")                //
	ErrClosed       = errors.New("closed: nobody may write or seal to it until the next epoch is opened")
)

// EntryError says which entry and operation of a log was refused, and why.
type EntryError struct {
	Sequence  uint64 // position in the log, from 0
	Operation int    // index in the entry, or -1 for the entry itself
	Kind      string // the operation's word, or ""
	Err       error
}

func (e *EntryError) Error() string {
	if e.Operation < 0 {
		return fmt.Sprintf("log entry %d: %v", e.Sequence, e.Err)
	}
	return fmt.Sprintf("log entry %d, operation %d (%s): %v", e.Sequence, e.Operation+1, e.Kind, e.Err)
}

func (e *EntryError) Unwrap() error { return e.Err }

// BlobError says that the operations of an entry that ride outside it could not be
// had. It is an ErrIncomplete: the entry cannot be told to hold. Whether the store
// has failed or has lost them says Err.
type BlobError struct{ Err error }

func (e *BlobError) Error() string {
	return fmt.Sprintf("operations outside the entry are not to be had: %v", e.Err)
}

// Unwrap returns ErrIncomplete and what Blobs said.
func (e *BlobError) Unwrap() []error { return []error{ErrIncomplete, e.Err} }
