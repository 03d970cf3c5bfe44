/* hx_list.h - the answer to --list: this program's backends, arms and scenarios as one line of JSON (docs/PROTOCOL.md 2). */
#ifndef HX_LIST_H
#define HX_LIST_H

struct hx_text;

/* Appends the object and a newline; errors stick to the text. */
void hx_list_write(struct hx_text *text);

#endif
