/*
 * Faults of the commit protocol that tests plant on purpose, to see that the crash-point tests notice them. A build of the
 * host core with -DBB_FAULT=n has one; the firmware and the host core that users get are built without.
 */
#ifndef BB_FAULT_H
#define BB_FAULT_H

/* A torn record passes for a whole one. */
#define BB_FAULT_NO_CRC 1
/* The record of a commit reaches NVM before the data that it vouches for. */
#define BB_FAULT_COMMIT_BEFORE_DATA 2
/* Every record overwrites the one before. */
#define BB_FAULT_ONE_SLOT 3

#ifndef BB_FAULT
#define BB_FAULT 0
#endif

#endif
