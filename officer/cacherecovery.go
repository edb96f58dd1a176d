package officer

func (w *cacheWriter) enrolments(list []Enrolment) {
	w.count(len(list))
	for _, e := range list {
		w.number(e.Threshold)
		w.fixed(e.Commitment[:])
		w.number(e.Generation)
		w.fixed(e.Sealed)
		w.count(len(e.Shares))
		for _, x := range e.Shares {
			w.number(w.members[x.Officer])
			w.fixed(x.Commitment[:])
		}
		w.number(w.devices[e.Author])
		w.number(e.Sequence)
		w.flag(e.Ended)
	}
}

func (w *cacheWriter) request(r *RecoveryRequest) {
	w.record(r.Record)
	w.number(w.members[r.Member])
	w.number(r.Number)
	w.fixed(r.Reason[:])
	w.number(w.devices[r.By])
	w.number(r.Sequence)
	w.count(len(r.Approvals))
	for _, a := range r.Approvals {
		w.number(a.Index)
		w.number(w.devices[a.By])
		w.number(a.Sequence)
	}
	w.flag(r.Ended)
}

func (r *cacheReader) enrolments(generations int) []Enrolment {
	n := r.count(len(Hash{}) + sealedKeySize)
	if n == 0 {
		return nil
	}
	list := make([]Enrolment, n)
	for i := range list {
		e := Enrolment{
			Number: uint64(i) + 1, Threshold: r.upTo(maxShares), Commitment: r.hash(),
			Generation: r.upTo(uint64(generations)), Sealed: r.fixed(sealedKeySize),
		}
		e.Shares = make([]ShareOwner, r.some(len(Hash{})))
		for j := range e.Shares {
			e.Shares[j] = ShareOwner{Officer: r.memberAt(), Index: uint64(j) + 1, Commitment: r.hash()}
		}
		e.Author, e.Sequence, e.Ended = r.deviceAt(), r.number(), r.flag()
		r.check(e.Generation > 0 && e.Threshold <= uint64(len(e.Shares)) && (e.Ended || i == n-1))
		list[i] = e
	}
	return list
}

// request reads a request for a member of s.
func (r *cacheReader) request(id DeviceID, s *State) *RecoveryRequest {
	q := &RecoveryRequest{
		Device: id, Record: r.record(), Member: r.memberAt(), Number: r.number(), Reason: r.hash(), By: r.deviceAt(), Sequence: r.number(),
	}
	for range r.count(3) {
		q.Approvals = append(q.Approvals, Approval{Index: r.number(), By: r.deviceAt(), Sequence: r.number()})
	}
	q.Ended = r.flag()
	// Every later use relies on the enrolment.
	m := s.members[q.Member]
	r.check(m != nil && q.Number > 0 && q.Number <= uint64(len(m.Enrolments)) && (q.Ended || !m.Enrolments[q.Number-1].Ended))
	return q
}
