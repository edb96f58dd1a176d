/*
 * What a store does with the log, and what officers do with its answers.
 *
 * An entry is appended at a position by compare-and-swap. The answer may get
 * lost: the entry was appended all the same, or never, or arrives later, when
 * nobody waits for it any more. Officer o sends from slot o; what arrives later
 * waits in slot o + OFFICERS. The model that includes this file says what a slot
 * holds, how long the log may get (LEN), and gives
 *
 *   keep(slot, at)  puts the slot's entry into the log at position at
 *   kept(slot, at)  tells whether it is there
 *   copy(from, to)  copies one slot to another
 *   forget(slot)    empties one
 */
mtype = { none, ok, conflict, lost };

byte length = 1;
byte filled[LEN];               /* how often a position was written */
byte seen[AGENTS] = 1;          /* how much of the log each client has verified */
bool late[OFFICERS];            /* slot o + OFFICERS is in use */
byte target[4];                 /* the position that a slot's entry is for */

inline persist(slot) {
	keep(slot, target[slot]);
	filled[target[slot]]++;
	assert(filled[target[slot]] == 1);       /* two never succeed at one position */
	length = target[slot] + 1
}

/* arrive is an entry's arrival. Replay refuses what was true for another
 * position, so the store's swap is all there is to model. */
inline arrive(slot, answer) {
#ifdef MUTANT_NO_SWAP
	/* The store looks first and writes then. */
	if
	:: target[slot] == length -> atomic { persist(slot); answer = ok }
	:: target[slot] != length -> answer = conflict
	fi
#else
	atomic {
		if
		:: target[slot] == length -> persist(slot); answer = ok
		:: target[slot] != length -> answer = conflict
		fi
	}
#endif
}

/* send appends the officer's entry. */
inline send(o, answer) {
	if
	:: true -> arrive(o, answer)
	:: true -> arrive(o, answer); answer = lost
	:: answer = lost                         /* it never arrives */
	:: atomic { !late[o] ->                  /* it arrives later, or never */
		late[o] = true; target[o + OFFICERS] = target[o];
		copy(o, o + OFFICERS); answer = lost
	}
	fi
}

/* settle reads back what an answer that was lost leaves open. It stays lost
 * where the store is away, or has nothing at the position yet. */
inline settle(o, answer) {
#ifdef MUTANT_LOST_IS_CONFLICT
	answer = conflict
#else
	if
	:: true
	:: atomic { target[o] < length && kept(o, target[o]) -> answer = ok }
	:: atomic { target[o] < length && !kept(o, target[o]) -> answer = conflict }
	fi
#endif
}

/* The network delivers what nobody waits for any more. */
active proctype network() {
	mtype answer;
	end: do
	:: late[0] -> arrive(2, answer); atomic { late[0] = false; target[2] = 0; forget(2); answer = none }
	:: late[1] -> arrive(3, answer); atomic { late[1] = false; target[3] = 0; forget(3); answer = none }
	od
}
