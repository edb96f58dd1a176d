/*
 * Who can open a resource's next epoch, after any sequence of entries that the
 * log accepts: grants, revocations, removals, changes of roles, and a group that
 * people join and are taken out of. Two officers, two members and a guest. The
 * rules are those of spec/log.md, log-groups.md and log-members.md; where they
 * say who manages the group, everybody in it does here, which allows more.
 */
#define PEOPLE 5                /* 0 and 1 are officers at first, 4 is a guest */
#define GUEST  4
#define GROUP  5                /* the principal after the people */

#define READ  1
#define SHARE 5                 /* includes read; to write is as to read here */

byte grant[PEOPLE + 1];         /* a principal's rights: 0, READ or SHARE */
bool here[PEOPLE] = true;       /* who was not removed */
bool boss[PEOPLE];              /* who is an officer */
bool in[PEOPLE];                /* who is in the group */
bool quiet;                     /* nobody changes anything any more */
bool warned;                    /* an officer was told that nobody will read it */

#define through(p) (in[p] -> grant[GROUP] : 0)
#define rights(p) (here[p] -> (grant[p] > through(p) -> grant[p] : through(p)) : 0)
#define peopled (in[0] || in[1] || in[2] || in[3] || in[4])
#define officers (boss[0] + boss[1] + boss[2] + boss[3])
#define orphaned (grant[0] < SHARE && grant[1] < SHARE && grant[2] < SHARE && \
	grant[3] < SHARE && grant[4] < SHARE && grant[GROUP] < SHARE)
/* Somebody reads it who is no guest. */
#define read (rights(0) || rights(1) || rights(2) || rights(3))

bool was;                       /* whether somebody shared before the entry */
byte a, p, r;                   /* who does it, to whom, and which rights */

inline settle() {               /* a group of nobody ends */
	if
	:: !peopled -> grant[GROUP] = 0
	:: else
	fi;
#ifndef MUTANT_NO_WARNING
	if
	:: boss[a] && !read -> warned = true
	:: else
	fi;
#endif
	/* Somebody can open the next epoch, or an officer took care that nobody can. */
	assert(officers >= 1);
	assert(!was || !orphaned || boss[a]);
	assert(read || warned);
	was = false; p = 0; r = 0; a = 0
}

inline any(x, n) {
	x = 0;
	do
	:: x < n - 1 -> x++
	:: break
	od
}

inline entry_grant() {
	if
	:: rights(a) >= SHARE && (p == GROUP -> peopled : here[p % PEOPLE]) &&
	   (r < SHARE || (p != GUEST && !(p == GROUP && in[GUEST]))) &&   /* L-17 */
	   (p == GROUP || !boss[p % PEOPLE] || boss[a] || r >= grant[p]) -> /* L-11 */
		grant[p] = r
	:: else
	fi
}

inline entry_revoke() {
	if
	:: grant[p] && (boss[a] || rights(a) >= SHARE) && p != a &&
	   (p == GROUP || !boss[p % PEOPLE] || boss[a]) &&
	   (p != GROUP || !in[a] || grant[a] >= grant[GROUP]) -> /* one's own, by the group */
		grant[p] = 0
	:: else
	fi
}

inline entry_remove() {
	if
	:: boss[a] && p != a && p < GROUP && here[p] ->
		here[p] = false; grant[p] = 0; in[p] = false; boss[p] = false
	:: else
	fi
}

inline entry_role() {
	if
	:: boss[a] && p < GUEST && here[p] && (!boss[p] || officers > 1) -> boss[p] = 1 - boss[p]
#ifdef MUTANT_LAST_OFFICER
	:: boss[a] && p == a -> boss[p] = false
#endif
	:: else
	fi
}

inline entry_join() {
	if
	:: p < GROUP && here[p] && in[a] && a != GUEST && (p != GUEST || grant[GROUP] < SHARE) -> in[p] = true
	:: else
	fi
}

inline entry_take() {
	if
	:: p < GROUP && p != a && in[p] && (boss[a] || (in[a] && a != GUEST)) && (!boss[p] || boss[a]) &&
	   (in[0] + in[1] + in[2] + in[3] + in[4] > 1) -> in[p] = false
	:: else
	fi
}

/* An operation of the entry that gave share is refused if it leaves nobody. */
inline touched() {
#ifndef MUTANT_NO_SHARER
	if
	:: orphaned -> grant[p] = SHARE          /* L-21: the entry is refused */
	:: else
	fi
#else
	skip
#endif
}

proctype people() {
	do
	:: atomic {
		any(a, PEOPLE); any(p, GROUP + 1); was = !orphaned;
		if
		:: !here[a]
		:: here[a] ->
			if
			:: r = READ; if
				:: was && grant[p] == SHARE -> entry_grant(); touched()
				:: else -> entry_grant()
				fi
			:: r = SHARE; entry_grant()
			:: true -> entry_revoke()
			:: true -> entry_remove()
			:: true -> entry_role()
			:: true -> entry_join()
			:: true -> entry_take()
			fi
		fi;
		settle()
	}
	:: break
	od;
	quiet = true
}

/* What an officer does about a resource that nobody shares: takes a guest out of
 * a group that reads it, and gives share to whoever reads it and is no guest. */
proctype restorer() {
	quiet;
	atomic {
		if
		:: orphaned && read ->
			if
			:: grant[GROUP] && in[GUEST] -> in[GUEST] = false
			:: else
			fi;
#ifndef MUTANT_NO_RESTORE
			if
			:: grant[0] -> grant[0] = SHARE
			:: grant[1] -> grant[1] = SHARE
			:: grant[2] -> grant[2] = SHARE
			:: grant[3] -> grant[3] = SHARE
			:: grant[GROUP] -> grant[GROUP] = SHARE
			fi
#endif
		:: else
		fi;
		assert(!read || !orphaned)
	}
}

init {
	d_step {
		boss[0] = true; boss[1] = true;
		grant[0] = SHARE; grant[2] = SHARE;
		in[1] = true; in[3] = true
	}
	atomic { run people(); run restorer() }
}
