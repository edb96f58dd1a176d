/*
 * One officer takes a member out of a group while another works on what the
 * group reads, or is about to read: that one rotates the first resource, which
 * the group reads, and grants it the second, whose key is older than the grant.
 */
#define OFFICERS 2
#define AGENTS   2
#define SEEDS    4              /* of the group: plans are not made without end */
#define KEYS     7              /* of both resources */
#define LEN      4
#define SECOND   (KEYS - 1)     /* the second resource's first key */

mtype = { take, rotate, grant };

byte seed[LEN];                 /* the log: the group's present seed, */
byte first[LEN];                /* the first resource's present key, */
byte second[LEN];               /* that of the second, */
bool granted[LEN];              /* and whether the group reads it */
bool without;                   /* the log has the member out of the group */

bool open[SEEDS];               /* seeds that were sealed to who is taken out */
byte under[KEYS];               /* to which seeds a key is sealed, as bits */
byte seeds = 1, keys = 1;       /* made so far; 0 are those of genesis */

mtype does[4];                  /* the entry in a slot: what it does, */
byte newSeed[4], newFirst[4], newSecond[4]; /* and what it makes present */

/* reads: who was taken out opens a key, whatever the log says. */
#define reads(k) ((open[0] && (under[k] & 1)) || (open[1] && (under[k] & 2)) || \
	(open[2] && (under[k] & 4)) || (open[3] && (under[k] & 8)))

#define kept(slot, at) (seed[at] == newSeed[slot] && first[at] == newFirst[slot] && \
	second[at] == newSecond[slot] && (does[slot] != grant || granted[at]) && \
	(does[slot] != grant || !granted[at - 1]))

inline copy(from, to) {
	does[to] = does[from]; newSeed[to] = newSeed[from];
	newFirst[to] = newFirst[from]; newSecond[to] = newSecond[from]
}

inline forget(slot) {
	does[slot] = 0; newSeed[slot] = 0; newFirst[slot] = 0; newSecond[slot] = 0
}

inline keep(slot, at) {
	seed[at] = newSeed[slot];
	first[at] = newFirst[slot];
	second[at] = newSecond[slot];
	granted[at] = granted[at - 1] || does[slot] == grant;
	without = without || does[slot] == take;
	/* Who stays opens the present keys with the present seed or, by its history,
	 * one before; who was taken out opens none of those that the group reads. */
	assert(under[first[at]] != 0);
	assert(!granted[at] || under[second[at]] != 0);
	assert(!without || !reads(first[at]));
	assert(!without || !granted[at] || !reads(second[at]))
}

#include "store.pml"

#define gone(a) (seed[seen[a] - 1] != 0)
#define sealTo (1 << newSeed[me])

proctype officer(byte me; mtype command) {
	mtype answer;
	byte handed;            /* noted at home: to which seeds the second key was sealed */
start:
	atomic { forget(me); target[me] = 0; answer = none; seen[me] = length }
plan:
	atomic {
		if
		:: length == LEN || seeds == SEEDS || keys >= SECOND - 1 -> goto done
		:: command == take && gone(me) -> goto done
		:: command == grant && granted[seen[me] - 1] -> goto done
		:: else
		fi;
		does[me] = command;
		newSeed[me] = seed[seen[me] - 1];
		newFirst[me] = first[seen[me] - 1];
		newSecond[me] = second[seen[me] - 1];
		if
		:: command == take ->
			newSeed[me] = seeds; seeds++;
#ifndef MUTANT_GROUP_ALONE
			newFirst[me] = keys; keys++;     /* what the group reads */
			if
			:: granted[seen[me] - 1] -> newSecond[me] = keys; keys++
			:: else
			fi
#endif
		:: command == rotate -> newFirst[me] = keys; keys++
		:: command == grant ->
#ifndef MUTANT_HANDED_OUT
			/* The key was sealed to a seed for a grant that never came, and the
			 * group has another since: the grant is of a new key. */
			if
			:: (handed & ~sealTo) -> newSecond[me] = keys; keys++
			:: else
			fi;
#endif
			if
			:: newSecond[me] == SECOND -> handed = handed | sealTo
			:: else
			fi
		fi
	}
	if                                               /* uploads */
	:: atomic {
		if
		:: command == rotate || newFirst[me] != first[seen[me] - 1] ->
#ifdef MUTANT_OLD_SEED
			under[newFirst[me]] = under[newFirst[me]] | (1 << seed[seen[me] - 1])
#else
			under[newFirst[me]] = under[newFirst[me]] | sealTo
#endif
		:: else
		fi;
		if
		:: command == grant || newSecond[me] != second[seen[me] - 1] ->
			under[newSecond[me]] = under[newSecond[me]] | sealTo
		:: else
		fi }
	:: goto start                                    /* a crash, and run again */
	fi;
	target[me] = seen[me];
	send(me, answer);
	if
	:: answer == lost -> settle(me, answer)
	:: answer != lost
	:: goto start                                    /* a crash before the answer */
	fi;
	if
	:: answer == ok -> skip
	:: answer == conflict -> atomic { seen[me] = length; goto plan }
	:: answer == lost -> goto start
	fi;
done:
	atomic { forget(me); target[me] = 0; answer = none; handed = 0 }
}

init {
	atomic {
		open[0] = true;
		under[0] = 1;
		second[0] = SECOND;
		run officer(0, take);
		if
		:: run officer(1, rotate)
		:: run officer(1, grant)
		fi
	}
}
