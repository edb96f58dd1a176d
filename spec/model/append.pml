/*
 * Two officers act on one resource at once: one removes a member, the other
 * rotates the key. Uploads come first, then the entry. Either may crash at any
 * point and run the command again. A writer writes whenever they like.
 */
#define OFFICERS 2
#define AGENTS   3              /* the officers and the writer */
#define KEYS     5              /* plans are not made without end */
#define LEN      4

#define STAY 1                  /* who has an envelope: the officers and the writer, */
#define GONE 2                  /* and the member who is removed */

bool removal[LEN];              /* the log: whether an entry removes the member, */
byte present[LEN];              /* and the key that it makes the present one */
byte sealed[KEYS];              /* for whom the store has envelopes, by key */
byte made = 1;                  /* keys made so far; key 0 is that of genesis */
byte key[4];                    /* the entry in a slot: its key, */
bool removes[4];                /* and whether it removes the member */
byte held[AGENTS];              /* the key that a client has at hand */
bool without;                   /* the log has the removal */

#define kept(slot, at) (present[at] == key[slot]) /* each plan makes a key */

inline copy(from, to) {
	key[to] = key[from];
	removes[to] = removes[from]
}

inline forget(slot) {
	key[slot] = 0;
	removes[slot] = false
}

inline keep(slot, at) {
	present[at] = key[slot];
	removal[at] = removes[slot];
	without = without || removes[slot];
	/* Whoever is granted the key can open it as soon as the log has it. */
	assert(sealed[key[slot]] & STAY);
	assert(without || (sealed[key[slot]] & GONE));
	/* No key of an epoch after the removal is sealed to who was removed. */
	assert(!without || !(sealed[key[slot]] & GONE))
}

#include "store.pml"

/* told: client a knows of the removal. */
#define told(a) ((seen[a] > 1 && removal[1]) || (seen[a] > 2 && removal[2]) || (seen[a] > 3 && removal[3]))

inline use(a) {
	assert(held[a] == present[seen[a] - 1]);           /* in the log, not closed, */
	assert(!told(a) || !(sealed[held[a]] & GONE))      /* not for the removed one */
}

/* write uses the key at hand, if it still is the present one. */
inline write(a) {
#ifndef MUTANT_OLD_KEY
	if
	:: held[a] != present[seen[a] - 1] -> held[a] = present[seen[a] - 1]
	:: else
	fi;
#endif
	use(a)
}

proctype officer(byte me; bool remover) {
	mtype answer;
start:
	atomic { forget(me); target[me] = 0; answer = none; seen[me] = length }
plan:
	atomic {
		if
		:: remover && told(me) -> goto done      /* by this officer or another */
		:: length == LEN || made == KEYS -> goto done
		:: else
		fi;
#ifdef MUTANT_STALE_PLAN
		/* After a lost race the same plan is signed for the next position. */
		if
		:: answer == conflict -> goto append
		:: else
		fi;
#endif
		key[me] = made; made++;
		removes[me] = remover;
#ifdef MUTANT_UNNAMED_KEY
		held[me] = key[me];                      /* before the log names it */
		use(me);
#endif
	}
#ifndef MUTANT_ENTRY_FIRST
	if                                               /* uploads, one by one */
	:: told(me) || remover
	:: else -> sealed[key[me]] = GONE
	fi;
	if
	:: sealed[key[me]] = sealed[key[me]] | STAY
	:: goto start                                    /* a crash, and run again */
	fi;
#endif
append:
	target[me] = seen[me];
	send(me, answer);
	if
	:: answer == lost -> settle(me, answer)
	:: answer != lost
	:: goto start                                    /* a crash before the answer */
	fi;
	if
	:: answer == ok -> atomic {
			assert(kept(me, target[me]));    /* what is reported is so */
			seen[me] = target[me] + 1;
			held[me] = key[me];
			write(me)
		}
	:: answer == conflict -> atomic {
			assert(!kept(me, target[me]));
			seen[me] = length
		}
		goto plan
	:: answer == lost -> goto start                  /* reported, and run again */
	fi;
done:
	atomic { forget(me); target[me] = 0; answer = none }
}

proctype writer() {
	end: do
	:: atomic { seen[2] < length -> seen[2]++; write(2) }
	od
}

init {
	atomic {
		sealed[0] = STAY | GONE;
		run officer(0, true);
		run officer(1, false);
		run writer()
	}
}
