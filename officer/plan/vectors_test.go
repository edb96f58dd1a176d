package plan_test

import (
	"errors"
	"testing"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/vectortest"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/officer/plan/escrow"
)

// TestEscrowVectors puts together the shares of testdata/vectors/log-recovery.json,
// which were made without this package, as a recovery does.
func TestEscrowVectors(t *testing.T) {
	t.Parallel()
	type vector struct {
		Name, Kind, Rule           string
		Organization, Member, Seed vectortest.Hex
		Log                        []string
		Epoch                      uint64
		Parts                      []struct {
			Index uint64
			Share vectortest.Hex
		}
	}
	file := vectortest.Load[vector](t, "log-recovery")
	good, bad := 0, 0
	for _, v := range file.Vectors {
		if v.Kind != "escrow" {
			continue
		}
		var log [][]byte
		for _, name := range v.Log {
			log = append(log, file.Entries[name])
		}
		s, err := officer.Replay(vectortest.Array[officer.OrganizationID](t, v.Organization), log)
		must(t, err)
		m := s.Member(vectortest.Array[officer.MemberID](t, v.Member))
		e := m.Enrolment()
		if e == nil || e.Number != v.Epoch {
			t.Fatalf("%s: enrolment %+v", v.Name, e)
		}
		shares := map[uint64]*datakey.Key{}
		for _, p := range v.Parts {
			x, ok := e.Share(p.Index)
			raw := secret.New(p.Share)
			key, openErr := datakey.Open(officer.ShareContext(s.Organization(), m.ID, e.Number, p.Index), raw, x.Commitment)
			if !ok || openErr != nil || !(escrow.Shamir{}).Valid(raw) {
				err = errors.Join(openErr, escrow.ErrShare)
				break
			}
			shares[p.Index] = key
		}
		if (v.Rule == "S-21") != (err != nil) {
			t.Errorf("%s: %v", v.Name, err)
		}
		if err != nil {
			bad++
			continue
		}
		request := &officer.RecoveryRequest{Member: m.ID, Number: e.Number}
		user, err := plan.OpenEscrow(s, request, escrow.Shamir{}, shares)
		if err != nil || !user.Key.Raw().Equal(secret.New(v.Seed)) {
			t.Errorf("%s: %v", v.Name, err)
		}
		good++
	}
	if good < 3 || bad < 4 {
		t.Errorf("%d good and %d bad ones", good, bad)
	}
}
