/* STM32H743 and H753 clock tree (RM0433 chapters 4, 6 and 8): the PLL on the internal 64 MHz
 * oscillator, from which the chip starts; its trimming is left as the factory set it. Voltage
 * scale 1 allows 400 MHz on every revision of the chip. Where a step fails, the core stays on the
 * oscillator. */
#include "board.h"
#include "rcc.h"
#include "../cortex_m/parts.h"

#define RCC_CR 0x58024400u
#define RCC_CFGR 0x58024410u
#define RCC_D1CFGR 0x58024418u
#define RCC_D2CFGR 0x5802441Cu
#define RCC_D3CFGR 0x58024420u
#define RCC_PLLCKSELR 0x58024428u
#define RCC_PLLCFGR 0x5802442Cu
#define RCC_PLL1DIVR 0x58024430u
#define PWR_CSR1 0x58024804u
#define PWR_CR3 0x5802480Cu
#define PWR_D3CR 0x58024818u
#define FLASH_ACR 0x52002000u
#define DBGMCU_IDC 0x5C001000u
#define AXI_TARG7_FN_MOD 0x51008108u

#define CFGR_SW 0x07u
#define CFGR_SW_PLL1 0x03u
#define CFGR_SWS 0x38u
#define CFGR_SWS_PLL1 0x18u
#define D1CFGR_BUSES 0x048u /* AXI and AHB: core / 2, APB3: half of that */
#define D2CFGR_BUSES 0x440u /* APB1 and APB2: half of AHB */
#define D3CFGR_BUSES 0x040u /* APB4: half of AHB */
#define UART_DIVIDER 4u     /* the same on every APB */

#define PLLCKSELR_MASK 0x3F3u /* source HSI, DIVM1 */
#define PLLCFGR_MASK 0x7000Fu /* no fraction, wide VCO, input range, only output P */
#define PLLCFGR_DIVP1EN (1u << 16)
#define PLL1DIVR_MASK 0xFFFFu /* DIVN1, DIVP1 */

#define CR3_SUPPLY_MASK 0x7u
#define CR3_LDOEN (1u << 1)
#define CR3_SCUEN (1u << 2)
#define CSR1_ACTVOSRDY (1u << 13)
#define D3CR_VOS_MASK (3u << 14)
#define D3CR_VOS_SCALE_1 (3u << 14)
#define D3CR_VOSRDY (1u << 13)

#define ACR_MASK 0x3Fu
#define IDC_REVISION_V 0x20000000u

/* Before revision V, reads of the AXI SRAM may be corrupted without this (errata ES0392). */
static void axi_sram_repair(void)
{
    if (ET_REG(DBGMCU_IDC) < IDC_REVISION_V) {
        ET_REG(AXI_TARG7_FN_MOD) = 1u;
    }
}

/* The power controller takes one choice of the supply after power-up, the regulator or an outside
 * one, and holds the voltage until it has it (RM0433, system supply startup). */
static int supply_choose(void)
{
    if (ET_REG(PWR_CR3) & CR3_SCUEN) {
        et_set_bits(PWR_CR3, CR3_SUPPLY_MASK, CR3_LDOEN);
    }
    return et_wait_for(PWR_CSR1, CSR1_ACTVOSRDY, CSR1_ACTVOSRDY);
}

static int voltage_raise(void)
{
    et_set_bits(PWR_D3CR, D3CR_VOS_MASK, D3CR_VOS_SCALE_1);
    (void)ET_REG(PWR_D3CR); /* the ready bit falls before it rises */
    return et_wait_for(PWR_D3CR, D3CR_VOSRDY, D3CR_VOSRDY);
}

static int pll_start(void)
{
    et_set_bits(RCC_PLLCKSELR, PLLCKSELR_MASK, ET_CLOCK_PLL_INPUT_DIVIDER << 4);
    et_set_bits(RCC_PLLCFGR, PLLCFGR_MASK, PLLCFGR_DIVP1EN | (ET_CLOCK_PLL_INPUT_RANGE << 2));
    et_set_bits(RCC_PLL1DIVR, PLL1DIVR_MASK,
                (ET_CLOCK_PLL_MULTIPLIER - 1u) | ((ET_CLOCK_PLL_OUTPUT_DIVIDER - 1u) << 9));
    return et_pll_start(RCC_CR);
}

/* After reset the flash has the most wait states there are. */
static int flash_speed_up(void)
{
    uint32_t speed = ET_CLOCK_FLASH_WAIT_STATES | (ET_CLOCK_FLASH_PROGRAM_DELAY << 4);
    et_set_bits(FLASH_ACR, ACR_MASK, speed);
    return et_wait_for(FLASH_ACR, ACR_MASK, speed);
}

static void buses_slow_down(void)
{
    ET_REG(RCC_D1CFGR) = D1CFGR_BUSES;
    ET_REG(RCC_D2CFGR) = D2CFGR_BUSES;
    ET_REG(RCC_D3CFGR) = D3CFGR_BUSES;
}

static int pll_select(void)
{
    et_set_bits(RCC_CFGR, CFGR_SW, CFGR_SW_PLL1);
    if (et_wait_for(RCC_CFGR, CFGR_SWS, CFGR_SWS_PLL1)) {
        return 1;
    }
    et_set_bits(RCC_CFGR, CFGR_SW, 0u);
    return 0;
}

et_clocks et_clock_start(void)
{
    axi_sram_repair();
    buses_slow_down();
    int fast =
        supply_choose() && voltage_raise() && pll_start() && flash_speed_up() && pll_select();
    uint32_t hz = fast ? ET_CLOCK_HZ : ET_CLOCK_RESET_HZ;
    return (et_clocks){hz, hz / UART_DIVIDER};
}
