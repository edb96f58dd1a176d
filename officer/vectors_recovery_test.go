package officer_test

import (
	"testing"

	"github.com/underseal/underseal/internal/vectortest"
	"github.com/underseal/underseal/officer"
)

type vectorEnrolment struct {
	Threshold, Generation uint64
	Commitment, Author    vectortest.Hex
	Shares                []struct{ Officer, Commitment vectortest.Hex }
	Ended                 bool
}

type vectorRequest struct {
	Device, Member, Reason, By vectortest.Hex
	Number                     uint64
	Approvals                  []struct {
		Index uint64
		By    vectortest.Hex
	}
	Ended bool
}

func checkEnrolments(t *testing.T, got []officer.Enrolment, want []vectorEnrolment) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d enrolments, want %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		if g.Number != uint64(i)+1 || g.Threshold != w.Threshold || g.Generation != w.Generation || g.Commitment != vectortest.Array[officer.Hash](t, w.Commitment) ||
			g.Author != vectortest.Array[officer.DeviceID](t, w.Author) || g.Ended != w.Ended || len(g.Shares) != len(w.Shares) {
			t.Fatalf("enrolment %d: %+v", i+1, g)
		}
		for j, x := range w.Shares {
			if y := g.Shares[j]; y.Index != uint64(j)+1 || y.Officer != vectortest.Array[officer.MemberID](t, x.Officer) || y.Commitment != vectortest.Array[officer.Hash](t, x.Commitment) {
				t.Errorf("enrolment %d, share %d: %+v", i+1, j+1, y)
			}
		}
	}
}

func checkRequests(t *testing.T, s *officer.State, want []vectorRequest) {
	t.Helper()
	got := s.Requests()
	if len(got) != len(want) {
		t.Fatalf("%d requests, want %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		if g.Device != vectortest.Array[officer.DeviceID](t, w.Device) || g.Member != vectortest.Array[officer.MemberID](t, w.Member) || g.Number != w.Number ||
			g.Reason != vectortest.Array[officer.Hash](t, w.Reason) || g.By != vectortest.Array[officer.DeviceID](t, w.By) || g.Ended != w.Ended || len(g.Approvals) != len(w.Approvals) {
			t.Fatalf("request %d: %+v", i, g)
		}
		for j, a := range w.Approvals {
			if x := g.Approvals[j]; x.Index != a.Index || x.By != vectortest.Array[officer.DeviceID](t, a.By) {
				t.Errorf("request %d, approval %d: %+v", i, j, x)
			}
		}
	}
}
