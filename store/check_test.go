package store_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/store"
)

func TestCheckItem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		size, limit int
		want        error
	}{
		{0, 5, store.ErrInvalid}, {1, 5, nil}, {5, 5, nil}, {6, 5, store.ErrTooLarge},
	} {
		if err := store.CheckItem(make([]byte, c.size), c.limit); !errors.Is(err, c.want) {
			t.Errorf("%d of %d bytes: got %v, want %v", c.size, c.limit, err, c.want)
		}
	}
}

func TestCheckLease(t *testing.T) {
	t.Parallel()
	longest := store.Lease{Name: strings.Repeat("x", store.MaxLeaseName), Holder: strings.Repeat("x", store.MaxLeaseHolder), Version: math.MaxUint64 - 1}
	for _, good := range []store.Lease{{Name: "bulk"}, {Name: "Bulk-1.x"}, longest, {Name: "a", Expires: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)}} {
		if err := store.CheckLease(good); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for what, bad := range map[string]store.Lease{
		"no name":          {},
		"long name":        {Name: longest.Name + "x"},
		"path":             {Name: "../x"},
		"long holder":      {Name: "x", Holder: longest.Holder + "x"},
		"holder no UTF-8":  {Name: "x", Holder: "\xff"},
		"no next version":  {Name: "x", Version: math.MaxUint64},
		"year of 5 digits": {Name: "x", Expires: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if err := store.CheckLease(bad); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", what, err)
		}
	}
}
