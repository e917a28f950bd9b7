/* What was learnt outlives a power cut: two slots of flash, each with a state and its records.
 *
 * A commit writes a state into the slot that is not needed; it waits there as a trial.  The next
 * boot runs it, once: unless it is confirmed before the boot after that, the confirmed state of
 * the other slot comes back, or nothing where none was ever confirmed.
 *
 * A slot, from its first byte on, in records of 32 bytes or of one unit where that is larger:
 *     0      the record of the commit, written last: until it is whole there is no state
 *     1      one unit of zeros: the trial was booted, or given up.  Whatever is not erased counts
 *     2..7   records of a confirmation, of which one would do
 *     8..    the state, to whole units
 *
 * What holds at every cut of the power, whatever the operation under way leaves behind:
 * - State and first record are programmed only after an erase that the same commit saw succeed.
 * - No unit is programmed that does not read as erased.  A unit that a cut left reading so may take
 *   the program badly all the same: all is read back, and a confirmation has places to spare.
 * - The record of a commit or confirmation that a cut may have left half programmed can read as
 *   whole today and otherwise tomorrow.  Before the other slot is erased, the confirmation that
 *   is relied upon is therefore written once more, unless it was written since the boot.
 * - A trial that was given up must not come back from an erase that leaves its mark out: before
 *   that erase the confirmation is written again with a later generation.
 *
 * No heap, no float; not from interrupts, and not from two places at once. */
#ifndef ET_STORE_H
#define ET_STORE_H

#include <stdint.h>

#define ET_STORE_SLOTS 2
#define ET_STORE_CONFIRMATIONS 6u

/* The flash and its region: what is erased and programmed at once.  Offsets are bytes from the
 * region's start.  The calls return 0, or another number where they failed: then the bytes may be
 * anything.  read() fails where the memory's error code does not hold. */
typedef struct {
    uint32_t unit;    /* bytes, a power of two */
    uint32_t sector;  /* bytes, a multiple of 32 and of unit; all alike */
    uint32_t sectors; /* of the region, an even number: a half is a slot */
    int32_t (*read)(void *context, uint32_t offset, void *bytes, uint32_t count);
    int32_t (*program)(void *context, uint32_t offset, const void *bytes, uint32_t count);
    int32_t (*erase)(void *context, uint32_t offset); /* one sector */
    void *context;
    uint8_t *buffer; /* ET_STORE_BUFFER(unit) bytes */
} et_store_flash;

#define ET_STORE_BUFFER(unit) ((unit) > 32u ? (unit) : 32u)

/* As it lies in flash, little-endian. */
typedef struct {
    uint32_t kind;
    uint32_t generation; /* grows with every commit */
    uint32_t erases;     /* of the slot, this state's included */
    uint32_t id;         /* of what the state is for */
    uint32_t bytes;      /* of the state */
    uint32_t state_crc;
    uint32_t score; /* what the state is worth, the more the better; 0: was not measured */
    uint32_t crc;   /* over the words before */
} et_store_record;

enum {
    ET_SLOT_EMPTY,   /* nothing, or nothing whole */
    ET_SLOT_FOREIGN, /* a state with another id or size */
    ET_SLOT_TRIAL,   /* waits for its boot */
    ET_SLOT_USED,    /* a trial that was booted, or given up */
    ET_SLOT_CONFIRMED
};

typedef struct {
    et_store_record record; /* the newest whole one; zeros where there is none */
    uint8_t state;          /* ET_SLOT_... */
    uint8_t confirmations;  /* records of it that are whole */
    uint8_t certain;        /* one of them was written since the mount */
} et_store_slot;

typedef struct {
    const et_store_flash *flash;
    uint32_t id, bytes;
    int32_t running;     /* the slot whose state was booted or committed last; ET_STORE_NOTHING */
    int32_t flash_error; /* what the flash's last failing call returned */
    et_store_slot slots[ET_STORE_SLOTS];
} et_store;

enum {
    ET_STORE_OK = 0,
    ET_STORE_NOTHING = -1,   /* no state is kept: the one that the firmware begins with holds */
    ET_STORE_GEOMETRY = -2,  /* unit, sector and sectors are none */
    ET_STORE_TOO_LARGE = -3, /* the state is larger than a slot */
    ET_STORE_FLASH = -4,     /* the flash failed, see flash_error; or it reads back otherwise */
    ET_STORE_NO_TRIAL = -5,  /* what runs is not a trial */
    ET_STORE_FULL = -6       /* no place is left for a confirmation: commit anew */
};

/* Bytes of the largest state that a slot takes; 0 where the geometry is none. */
uint32_t et_store_capacity(const et_store_flash *flash);

/* Look at both slots; nothing is written.  id and bytes: of the states that count, others are
 * foreign.  flash has to live as long as the store. */
int32_t et_store_mount(et_store *store, const et_store_flash *flash, uint32_t id, uint32_t bytes);

/* The slot to run, or ET_STORE_NOTHING: the newest state if it is confirmed or a trial that waits,
 * which is marked before, else the newest confirmed one.  Once after each mount. */
int32_t et_store_boot(et_store *store);

/* Copy the state of a slot that is not empty and not foreign. */
int32_t et_store_load(et_store *store, int32_t slot, void *state);

/* Keep a state as a trial.  It takes the place of a trial, or else of the older confirmed state;
 * from the first erase on a trial that waited there is lost. */
int32_t et_store_commit(et_store *store, const void *state, uint32_t score);

/* Make the trial that runs the confirmed state, as it was committed. */
int32_t et_store_confirm(et_store *store);

/* Give the trial that runs up.  Returns the slot to run instead, or ET_STORE_NOTHING. */
int32_t et_store_rollback(et_store *store);

/* The newest confirmed slot, or ET_STORE_NOTHING. */
int32_t et_store_confirmed(const et_store *store);

#endif
