/* The caches of the Cortex-M7 (ARM DDI 0403 B3.2 and B2.2; PM0253 4.8). After reset they are off
 * and hold anything, so they are emptied before they are switched on. RAM is written back by the
 * default memory map; no other bus master reads it. */
#include "core.h"
#include "parts.h"

#define SCB_CCR ET_REG(0xE000ED14u)
#define SCB_CLIDR ET_REG(0xE000ED78u)
#define SCB_CCSIDR ET_REG(0xE000ED80u) /* of the cache that CSSELR selects */
#define SCB_CSSELR ET_REG(0xE000ED84u)
#define CACHE_ICIALLU ET_REG(0xE000EF50u) /* empty the instruction cache */
#define CACHE_DCIMVAC ET_REG(0xE000EF5Cu) /* forget the data line of an address */
#define CACHE_DCISW ET_REG(0xE000EF60u)   /* forget a data line by set and way */

#define CCR_DC (1u << 16)
#define CCR_IC (1u << 17)
#define CLIDR_INSTRUCTION 1u
#define CLIDR_DATA 2u
#define LINE 32u /* bytes of a data line */

static void barrier(void)
{
    __asm volatile("dsb\n isb" ::: "memory");
}

static void instruction_cache_forget(void)
{
    barrier();
    CACHE_ICIALLU = 0;
    barrier();
}

/* Set and way share a word: the set above the 5 bits of a line, the way at the top. */
static void data_cache_forget(void)
{
    SCB_CSSELR = 0;
    barrier();
    uint32_t sets = (SCB_CCSIDR >> 13) & 0x7FFFu;
    uint32_t ways = (SCB_CCSIDR >> 3) & 0x3FFu;
    uint32_t shift = ways ? (uint32_t)__builtin_clz(ways) : 0u;
    for (uint32_t set = 0; set <= sets; set++) {
        for (uint32_t way = 0; way <= ways; way++) {
            CACHE_DCISW = (way << shift) | (set * LINE);
        }
    }
    barrier();
}

void et_cache_start(void)
{
    uint32_t caches = SCB_CLIDR;
    if (caches & CLIDR_INSTRUCTION) {
        instruction_cache_forget();
        SCB_CCR |= CCR_IC;
    }
    if (caches & CLIDR_DATA) {
        data_cache_forget();
        SCB_CCR |= CCR_DC;
    }
    barrier();
}

void et_cache_forget(uint32_t address, uint32_t bytes)
{
    barrier();
    for (uint32_t line = address & ~(LINE - 1u); line < address + bytes; line += LINE) {
        CACHE_DCIMVAC = line;
    }
    instruction_cache_forget();
}
