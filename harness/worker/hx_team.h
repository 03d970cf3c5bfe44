/* hx_team.h - the threads of a cell: one a lane, started once, run step by step.
 *
 * Why: a block of several threads is only one figure when all begin together and nothing of the last block still runs. So lanes
 * stand still between steps, and a step ends when its last lane has ended:
 *
 *   main                     step(lane 0) ........ wait for all
 *   other threads    wait    step(lane k) ..           wait
 *
 * Waiting spins for about as long as a wake-up would take, then sleeps in the kernel; with more lanes than PUs it sleeps at once.
 * With one lane there is no thread and no waiting: a step is a call.
 *
 * Threads: the functions are called by the main thread, hx_team_gather by each lane inside a step. Each lane's thread binds itself
 * to its PU before anything else. No malloc of ours; pthread_create takes its own from the process's, before the first mark. */
#ifndef HX_TEAM_H
#define HX_TEAM_H

#include "worker/hx_job.h"

typedef void hx_team_step(struct hx_lane *lane, void *argument);

/* Binds the calling thread to the lane's PU, if the request names one. Dies with one line when it cannot. */
void hx_team_bind(struct hx_lane *lane);

/* Starts one thread for each lane but lane 0 and binds it. Dies with one line when a thread cannot be had. */
void hx_team_start(struct hx_job *job);

/* Runs the step in every lane at once; returns when the last has ended. */
void hx_team_all(struct hx_job *job, hx_team_step *step, void *argument);

/* Runs the step in one lane after the other, lane 0 first, each on its own thread. */
void hx_team_in_turn(struct hx_job *job, hx_team_step *step, void *argument);

/* Inside a step of hx_team_all, by every lane: waits for all of them, then returns the moment at which the last one came. */
uint64_t hx_team_gather(struct hx_job *job);

#endif
