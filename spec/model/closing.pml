/*
 * Epochs and user keys that are closed, and who opens the next. The log is one
 * state here: what races do to it is in append.pml. A security officer who may
 * not read a resource removes a device of each of two members, one of them
 * altogether, and a third, in any order and at any time. The two share the
 * resource: whoever of them comes by opens the next epoch, once their own user
 * key is open again. The third only reads and writes.
 *
 *   eventually   When the officer is done, the epoch will be open, and whoever
 *                is granted it will have its key.
 */
#define PEOPLE  3
#define EPOCHS  8
#define OFFICER 9

byte present;                   /* the present epoch */
bool closed;                    /* nobody writes under it */
byte sealed[EPOCHS];            /* whom an epoch's key is sealed to, as bits */
bool granted[PEOPLE] = true;
bool locked[PEOPLE];            /* a user key that the log closed */
bool theirs[PEOPLE];            /* a removed device holds the present user key */
bool quiet;                     /* the officer is done */

#define has(r, e) (sealed[e] & (1 << r))
#define reached(r) (!granted[r] || has(r, present))
#define fine (quiet && !closed && reached(0) && reached(1) && reached(2))

/* seal gives a person the present key, if it is granted and their key is open. */
inline seal(r) {
	if
	:: granted[r] && !locked[r] ->
		assert(!theirs[r]);              /* no removed device reads it */
		sealed[present] = sealed[present] | (1 << r)
	:: else
	fi
}

/* next opens the next epoch. */
inline next(by) {
	assert(by < PEOPLE);                     /* no key to who is not granted it */
	present++;
	closed = false;
	seal(0); seal(1); seal(2);
	assert(granted[0] || !has(0, present));  /* none to who was removed */
	assert(granted[2] || !has(2, present))
}

inline device_removed(r) {
	theirs[r] = true;
#ifndef MUTANT_LEFT_OPEN
	locked[r] = true;
#endif
	if
	:: granted[r] -> close()
	:: else
	fi
}

inline close() {
#ifdef MUTANT_ROTATES_UNREAD
	next(OFFICER)
#else
	closed = true
#endif
}

proctype security_officer() {
	bool first, second;
	do
	:: atomic { !first -> first = true; device_removed(0) }
	:: atomic { !second -> second = true; device_removed(1) }
	:: atomic { granted[0] -> granted[0] = false; close() }
	:: atomic { granted[2] -> granted[2] = false; close() }
	:: break
	od;
	quiet = true
}

/* holds: any key of the resource, from which its history can go on. */
#ifdef MUTANT_NO_FROM
#define holds(r) has(r, present)
#else
#define holds(r) (has(r, 0) || has(r, 1) || has(r, 2) || has(r, 3) || has(r, 4) || has(r, 5))
#endif
/* stuck: the present key is with nobody who shares. */
#define stuck ((!granted[0] || !has(0, present)) && (!granted[1] || !has(1, present)))

/* Posts their own next user key, opens the next epoch, and seals the present key
 * to those who were left out. */
proctype sharer(byte me) {
	byte r;
	end: do
	:: atomic { granted[me] && locked[me] -> locked[me] = false; theirs[me] = false }
#ifndef MUTANT_NOBODY_OPENS
	:: atomic { granted[me] && !locked[me] && closed && has(me, present) -> next(me) }
	:: atomic { granted[me] && !locked[me] && stuck && holds(me) -> next(me) }
#endif
#ifndef MUTANT_LEFT_OUT
	:: atomic { granted[me] && !closed && has(me, present) && !locked[0] && !reached(0) -> seal(0) }
	:: atomic { granted[me] && !closed && has(me, present) && !locked[1] && !reached(1) -> seal(1) }
	:: atomic { granted[me] && !closed && has(me, present) && !reached(2) -> seal(2) }
#endif
	od
}

/* The third has the key of the present epoch at hand: a closed epoch keeps its
 * key, so to compare keys is not enough. */
proctype writer() {
	end: do
	:: atomic { granted[2] && has(2, present) ->
#ifndef MUTANT_WRITES_CLOSED
		if
		:: closed -> goto end
		:: else
		fi;
#endif
		assert(!closed)
	}
	od
}

init {
	atomic {
		sealed[0] = 7;
		run security_officer(); run sharer(0); run sharer(1); run writer()
	}
}

ltl eventually { <>[] fine }
