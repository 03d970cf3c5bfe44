/* hx_chain_price.h - how many chains a life of scenario chain_alone runs: its time divided by this is the price of one. */
#ifndef HX_CHAIN_PRICE_H
#define HX_CHAIN_PRICE_H

enum {
    HX_CHAIN_ALONE_STEPS = 100000, /* about 5 ms a block: long against what interrupts it */
    HX_CHAIN_LINKS = 50,           /* = HX_PLANT_CHAIN_STEPS: dependent multiplications of one chain */
};

#endif
