package plan

import (
	"runtime"
	"sync"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
)

// sealing is one key to be sealed to one recipient.
type sealing struct {
	key    *Key
	to     envelope.Recipient
	public []byte
}

// sealings seals many keys at once: a removal in a large firm seals thousands,
// most of them to the same few groups, whose keys are checked once. Where all is
// sealed, in the order in which it was asked for, the spent keys are destroyed.
type sealings struct {
	list  []sealing
	spent []*Key
}

// file seals on all cores and puts the envelopes into the plan.
func (s *sealings) file(p *Plan, by *keyring.Device) error {
	defer s.forget()
	index := map[officer.Hash]int{} // of a key among those that are sealed to
	var publics [][]byte
	for _, x := range s.list {
		if _, ok := index[x.to.Key]; !ok {
			index[x.to.Key] = len(publics)
			publics = append(publics, x.public)
		}
	}
	checked := make([]*envelope.PublicKey, len(publics))
	err := onAllCores(len(publics), func(i int) (err error) {
		checked[i], err = envelope.NewPublicKey(publics[i])
		return err
	})
	if err != nil {
		return err
	}
	filed := make([]Filed, len(s.list))
	err = onAllCores(len(s.list), func(i int) error {
		x := s.list[i]
		b, err := checked[index[x.to.Key]].Seal(x.key, x.to, by)
		filed[i] = Filed{Index: x.to.Index(), Envelope: b}
		return err
	})
	if err != nil {
		return err
	}
	p.Envelopes = append(p.Envelopes, filed...)
	return nil
}

// forget destroys the keys that nobody needs any more.
func (s *sealings) forget() {
	for _, k := range s.spent {
		k.Destroy()
	}
	*s = sealings{}
}

// onAllCores calls do for 0 to n-1 and returns one of its errors.
func onAllCores(n int, do func(int) error) error {
	cores := min(runtime.GOMAXPROCS(0), n)
	errs := make([]error, cores)
	var all sync.WaitGroup
	for core := range cores {
		all.Go(func() {
			for i := core; i < n && errs[core] == nil; i += cores {
				errs[core] = do(i)
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
