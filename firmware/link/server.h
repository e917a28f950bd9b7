/* The device's end of the link: takes requests in order, each exactly once, and answers. */
#ifndef ET_SERVER_H
#define ET_SERVER_H

/* Handles every byte that has arrived; returns when the receive ring is empty. */
void et_server_run(void);

/* Sends text (cut at 64 bytes) as a message of its own.  Not from an interrupt. */
void et_log(const char *text);

#endif
