package bench

import (
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/cliosim"
)

// BenchmarkRekey seals again three fields of 1,000 contacts whose keys were
// changed, in a simulated Clio of which nothing limits the rate, with the copy
// that is written first.
//
// requests counts plan, copy and work. The least is one for each record that has
// a token under an earlier key, and one for each page of the list.
func BenchmarkRekey(b *testing.B) {
	const contacts = 1_000
	var requests, least, values int64
	var took time.Duration
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			sim, err := cliosim.Open(b.Context(), cliosim.Config{
				Path: filepath.Join(b.TempDir(), "clio.db"), Relaxed: true, Settings: cliosim.Settings{RateLimit: 1_000_000},
			})
			fatal(b, err)
			firm, err := sim.Seed(b.Context(), cliosim.SeedOptions{Seed: 5, Matters: -1, Contacts: contacts})
			fatal(b, err)
			tokens, err := sim.Issue(b.Context(), clioUser, firm.App)
			fatal(b, err)
			server := httptest.NewServer(sim.Handler())
			x := newClioJob(b, server.URL, firm, tokens, connector.SystemClock{})
			p, err := x.job.Plan(b.Context())
			fatal(b, err)
			_, err = x.job.Apply(b.Context(), p)
			fatal(b, err)
			for _, f := range x.workspace.Fields(b.Context()) {
				fatal(b, x.workspace.RotateOf(b.Context(), f.ID))
			}
			before, began := x.connector.Counters().Requests, time.Now()
			p, err = x.job.PlanRekey(b.Context())
			fatal(b, err)
			r, err := x.job.Rekey(b.Context(), p)
			fatal(b, err)
			took, requests, values, least = time.Since(began), x.connector.Counters().Requests-before, 0, p.Writes+(contacts+clioPage-1)/clioPage
			for _, f := range r.Fields {
				values += f.SealedAgain
			}
			x.close()
			server.Close()
			fatal(b, sim.Close())
		}
		b.ReportMetric(float64(requests), "requests")
		b.ReportMetric(float64(values), "values")
		b.ReportMetric(float64(values)/took.Seconds(), "values/s")
	})
	b.Run("least", func(b *testing.B) {
		for b.Loop() { // it is computed
		}
		b.ReportMetric(float64(least), "requests")
	})
}
