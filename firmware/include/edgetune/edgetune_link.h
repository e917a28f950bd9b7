/* The link of a library made with --link: edgetune on a PC tunes, verifies and watches the model in
 * the product, over anything that moves bytes both ways in order.  docs/protocol.md. */
#ifndef EDGETUNE_LINK_H
#define EDGETUNE_LINK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the product does for the link.  send: returns when the bytes are taken.  ticks: a counter
 * that wraps at 2^32, tick_hz a second; 0: there is none.  reset: restarts the product and does
 * not return; 0: it stops where the host asks for it. */
typedef struct {
    void (*send)(void *context, const uint8_t *bytes, uint32_t count);
    uint32_t (*ticks)(void *context);
    void (*reset)(void *context);
    void *context;
    uint32_t tick_hz;
} edgetune_port;

/* start: once; begins with the weights of the file where the model was not started.  received:
 * each byte that came, from an interrupt or not.  run: from the loop that calls the model, often;
 * answers what came, which can take a step's time; EDGETUNE_BUSY, and nothing is lost, amid a step
 * of the product's own.  What the host does to the model is done: a product that learns as well
 * changes the run that the host compares with its simulation. */
typedef struct {
    int32_t (*start)(const edgetune_port *port);
    void (*received)(uint8_t byte);
    int32_t (*run)(void);
} edgetune_link;

#ifdef __cplusplus
}
#endif

#endif
