package plan_test

import (
	"slices"
	"testing"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

func TestPack(t *testing.T) {
	t.Parallel()
	small := &plan.Plan{Operations: []officer.Operation{&officer.MemberRemoved{}, &officer.KeyClosed{Epoch: 1}}}
	must(t, small.Pack())
	if len(small.Blobs) != 0 || len(small.Operations) != 2 {
		t.Errorf("a plan that fits was packed: %d blobs", len(small.Blobs))
	}
	public := make([]byte, 1216)
	for name, ops := range map[string][]officer.Operation{
		"many":  slices.Repeat([]officer.Operation{&officer.KeyClosed{Epoch: 1}}, 2*wire.MaxOperations+5),
		"large": slices.Repeat([]officer.Operation{&officer.KeyRotated{Epoch: 2, Public: public, Previous: public[:72]}}, 8100),
	} {
		p := &plan.Plan{Operations: append([]officer.Operation{&officer.MemberRemoved{}}, ops...)}
		must(t, p.Pack())
		if p.Operations[0].Kind() != officer.OpMemberRemoved || len(p.Operations) != len(p.Blobs)+1 {
			t.Fatalf("%s: %d operations, %d blobs", name, len(p.Operations), len(p.Blobs))
		}
		n := 0
		for i, b := range p.Blobs {
			inside, err := p.Operations[i+1].(*officer.OperationsBlob).Open(b)
			must(t, err)
			n += len(inside)
		}
		if n != len(ops) {
			t.Errorf("%s: %d operations came back, want %d", name, n, len(ops))
		}
	}
}
