/* heapbits.c - writing type logs out into Go-exact bitmap words; see heapbits.h.
 *
 * One 64-bit accumulator holds the word being filled; a word is stored when it is full or at the end. Slices of many
 * elements repeat with a period of (words of an element) bitmap words, so most of a long slice is copied. */
#include "heap/heapbits.h"

#include <sched.h>
#include <string.h>

#include "base/bits.h"

struct bit_writer {
    uint64_t *word; /* being filled */
    uint64_t acc;
    unsigned valid; /* bits of acc that are decided, 0..63 */
};

static struct bit_writer writer_at(uint64_t *words, size_t bit)
{
    struct bit_writer writer = {.word = words + bit / 64, .valid = (unsigned)(bit % 64)};

    if (writer.valid != 0)
        writer.acc = *writer.word & ua_low_mask(writer.valid);
    return writer;
}

/* Appends `count` bits, 1..64; bits above must be 0. */
static inline void emit(struct bit_writer *writer, uint64_t bits, unsigned count)
{
    unsigned valid = writer->valid;

    writer->acc |= bits << valid;
    if (valid + count < 64) {
        writer->valid = valid + count;
        return;
    }
    *writer->word++ = writer->acc;
    writer->acc = valid != 0 ? bits >> (64 - valid) : 0;
    writer->valid = valid + count - 64;
}

static void emit_run(struct bit_writer *writer, uint64_t pattern, size_t count)
{
    while (count > 64 - writer->valid || count >= 64) {
        unsigned step = 64 - writer->valid;

        emit(writer, pattern & ua_low_mask(step), step);
        count -= step;
        if (count >= 64 && pattern != 0) {
            size_t whole = count / 64;

            memset(writer->word, 0xff, whole * 8);
            writer->word += whole;
            count -= whole * 64;
        }
    }
    if (count > 0)
        emit(writer, pattern & ua_low_mask((unsigned)count), (unsigned)count);
}

static inline void emit_value(struct bit_writer *writer, const struct ua_layout *layout)
{
    size_t words = layout->ptrdata_words;

    if (UA_LIKELY(layout->size_words <= 64)) {
        emit(writer, layout->mask[0], (unsigned)layout->size_words);
        return;
    }
    for (size_t i = 0; i < words; i += 64)
        emit(writer, ua_layout_bits(layout, i), (unsigned)ua_min(64, words - i));
    emit_run(writer, 0, layout->size_words - words);
}

/* Values short enough that several fit a word: as many at a time as do. */
static inline void emit_packed(struct bit_writer *writer, const struct ua_layout *layout, size_t count)
{
    unsigned words = (unsigned)layout->size_words;
    unsigned most = 64 / words;
    uint64_t pattern = layout->mask[0];

    for (unsigned have = 1; have < most; have *= 2)
        pattern |= pattern << (have * words);
    pattern &= ua_low_mask(most * words);
    for (; count >= most; count -= most)
        emit(writer, pattern, most * words);
    if (count != 0)
        emit(writer, pattern & ua_low_mask((unsigned)count * words), (unsigned)count * words);
}

static inline void emit_each(struct bit_writer *writer, const struct ua_layout *layout, size_t count)
{
    if (layout->size_words <= 32 && count > 1) {
        emit_packed(writer, layout, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        emit_value(writer, layout);
}

/* Bitmap words repeat every size_words words: 64 elements fill size_words words exactly. */
static void emit_periodic(struct bit_writer *writer, const struct ua_layout *layout, size_t count)
{
    size_t period = layout->size_words;
    size_t first = 64 + 64 / period + 1; /* elements after which one whole period of full words is stored */
    uint64_t *end;
    size_t total_bits;
    size_t have = period;

    emit_each(writer, layout, first);
    total_bits = writer->valid + (count - first) * period;
    end = writer->word + total_bits / 64;
    while (writer->word < end) {
        size_t step = ua_min(have, (size_t)(end - writer->word));

        memcpy(writer->word, writer->word - have, step * 8);
        writer->word += step;
        have *= 2;
    }
    writer->valid = (unsigned)(total_bits % 64);
    writer->acc = writer->valid != 0 ? *(end - period) & ua_low_mask(writer->valid) : 0;
}

static inline void emit_values(struct bit_writer *writer, const struct ua_layout *layout, size_t count)
{
    if (count == 1) {
        emit_value(writer, layout);
    } else if (layout->all_pointers) {
        emit_run(writer, ~(uint64_t)0, count * layout->size_words);
    } else if (count < 256) {
        emit_each(writer, layout, count);
    } else {
        emit_periodic(writer, layout, count);
    }
}

static void writer_finish(struct bit_writer *writer)
{
    if (writer->valid != 0)
        *writer->word = writer->acc;
}

void ua_heapbits_fill(uint64_t *words, size_t at, const struct ua_layout *layout, size_t count)
{
    struct bit_writer writer = writer_at(words, at);

    emit_values(&writer, layout, count);
    writer_finish(&writer);
}

void ua_heapbits_reset(struct ua_span *chunk)
{
    chunk->log_next = chunk->log;
    chunk->log_read = chunk->log;
    chunk->log_from = chunk->base;
    chunk->bits_end = chunk->base;
}

/* The write-out right is a word of the span: held for microseconds, contended only by markers. */
void ua_heapbits_acquire(struct ua_span *chunk)
{
    uint32_t expected = 0;

    while (!__atomic_compare_exchange_n(&chunk->write_out_busy, &expected, 1, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED)) {
        expected = 0;
        sched_yield();
    }
}

void ua_heapbits_release(struct ua_span *chunk)
{
    __atomic_store_n(&chunk->write_out_busy, 0, __ATOMIC_RELEASE);
}

/* Books the bitmap pages that writing up to bits_end has touched; chunks below 256 KiB share a page. */
static void account_bits(const struct ua_heapbits *heapbits, struct ua_span *chunk)
{
    struct ua_heap_arena *arena = ua_space_heap_arena(heapbits->space, chunk->base);
    size_t from = (chunk->bits_touched - arena->base) / UA_WORDS_PER_BITMAP_WORD / UA_PHYS_PAGE_BYTES;
    size_t to = (chunk->bits_end - 1 - arena->base) / UA_WORDS_PER_BITMAP_WORD / UA_PHYS_PAGE_BYTES;

    if (chunk->bits_end <= chunk->bits_touched)
        return;
    chunk->bits_touched = chunk->bits_end;
    for (; from <= to; from++) {
        uint64_t bit = (uint64_t)1 << (from % 64);

        if ((__atomic_fetch_or(&arena->bits_pages[from / 64], bit, __ATOMIC_RELAXED) & bit) == 0)
            ua_meta_touched(heapbits->meta, UA_PHYS_PAGE_BYTES);
    }
}

/* Four entries of a log, read at once. */
typedef uint64_t __attribute__((may_alias)) four_entries;

/* How many entries from `log` on are `id`, at most `most`. Entries behind the front may be read while their owner writes them, but the
 * answer does not rest on them: `most` objects of this type end at the front at the latest, and the n-th entry counts only if all
 * before it are `id`, so that its object lies below the front and the entry was complete before. Whole aligned words never leave the
 * buffer. */
static size_t same_entries(const uint16_t *log, uint16_t id, size_t most)
{
    const uint64_t wanted = id * (uint64_t)0x0001000100010001;
    size_t count = 0;

    for (; count < most && (uintptr_t)&log[count] % sizeof wanted != 0; count++)
        if (__atomic_load_n(&log[count], __ATOMIC_RELAXED) != id)
            return count;
    for (; count + 16 <= most; count += 16) {
        const four_entries *at = (const four_entries *)&log[count];
        uint64_t differs = __atomic_load_n(&at[0], __ATOMIC_RELAXED) ^ wanted;

        differs |= __atomic_load_n(&at[1], __ATOMIC_RELAXED) ^ wanted;
        differs |= __atomic_load_n(&at[2], __ATOMIC_RELAXED) ^ wanted;
        differs |= __atomic_load_n(&at[3], __ATOMIC_RELAXED) ^ wanted;
        if (differs != 0)
            break;
    }
    while (count < most && __atomic_load_n(&log[count], __ATOMIC_RELAXED) == id)
        count++;
    return count;
}

/* Equal entries in a row after which a run is looked for: where types follow each other at random the look would mostly be in vain,
 * and so mispredicted. */
#define RUN_BEGINS_AT 8u

/* A write-out on its way through the log. */
struct log_reader {
    const uint16_t *log;
    uintptr_t at;
    size_t scan_bytes;
    struct bit_writer writer;
};

/* Guard: write_out. Single values of up to 64 words, up to the first entry that is anything else, would leave a gap or begins a run.
 * A copy of the reader, so that it stays in registers. */
static void read_singles(const struct ua_types *types, struct log_reader *reader, uintptr_t front)
{
    struct log_reader now = *reader;
    uint16_t last = 0;
    unsigned equal = 0;

    while (now.at < front) {
        uint16_t id = __atomic_load_n(now.log, __ATOMIC_RELAXED);
        const struct ua_layout *layout;

        equal = (equal + 1) & (0u - (unsigned)(id == last));
        last = id;
        if (id == 0 || equal == RUN_BEGINS_AT)
            break;
        layout = ua_types_by_id(types, id);
        if (layout->size_words > 64 || (now.at & (layout->align_bytes - 1)) != 0)
            break;
        emit(&now.writer, layout->mask[0], (unsigned)layout->size_words);
        now.log++;
        now.at += layout->size_bytes;
        now.scan_bytes += layout->ptrdata_bytes;
    }
    *reader = now;
}

/* Guard: write_out. The next entry, whatever it is, with those behind it that are the same. */
static void read_entry(const struct ua_types *types, struct log_reader *reader, uintptr_t front)
{
    uint16_t id = __atomic_load_n(reader->log, __ATOMIC_RELAXED);
    bool slice = id == 0;
    const struct ua_layout *layout;
    uintptr_t place;
    size_t count = 1;

    if (slice) {
        id = __atomic_load_n(&reader->log[1], __ATOMIC_RELAXED);
        count = (size_t)reader->log[2] | (size_t)reader->log[3] << 16;
    }
    layout = ua_types_by_id(types, id);
    place = ua_align_up(reader->at, layout->align_bytes);
    if (UA_UNLIKELY(place != reader->at))
        emit_run(&reader->writer, 0, (place - reader->at) / UA_WORD_BYTES);
    if (slice) {
        reader->log += UA_LOG_SLICE_ENTRIES;
        reader->scan_bytes += count * layout->size_bytes - (layout->size_bytes - layout->ptrdata_bytes);
    } else {
        /* Sizes are multiples of the alignment, so there are no gaps within a run. */
        if (place < front && front - place > layout->size_bytes)
            count += same_entries(reader->log + 1, id, (front - place) / layout->size_bytes - 1);
        reader->log += count;
        reader->scan_bytes += count * layout->ptrdata_bytes;
    }
    emit_values(&reader->writer, layout, count);
    reader->at = place + count * layout->size_bytes;
}

/* Guard: write_out. Returns the scannable bytes of what was written. */
static size_t write_out(const struct ua_heapbits *heapbits, struct ua_span *chunk, uintptr_t front)
{
    struct log_reader reader = {.log = chunk->log_read, .at = chunk->bits_end};
    uintptr_t at;

    reader.writer = writer_at(chunk->bits, (reader.at - chunk->base) / UA_WORD_BYTES);
    while (reader.at < front) {
        read_singles(heapbits->types, &reader, front);
        if (reader.at < front)
            read_entry(heapbits->types, &reader, front);
    }
    at = reader.at;
    UA_CHECK(at == front || front < chunk->bits_end, "type log runs past the front of its chunk");
    writer_finish(&reader.writer);
    if (UA_UNLIKELY(heapbits->verify))
        ua_heapbits_check(heapbits, chunk, chunk->bits_end, chunk->log_read, at);
    chunk->log_read = reader.log;
    __atomic_store_n(&chunk->bits_end, at, __ATOMIC_RELEASE);
    account_bits(heapbits, chunk);
    return reader.scan_bytes;
}

void ua_heapbits_write_out(const struct ua_heapbits *heapbits, struct ua_span *chunk, uintptr_t front)
{
    size_t scan_bytes;

    ua_heapbits_acquire(chunk);
    scan_bytes = write_out(heapbits, chunk, front);
    ua_heapbits_release(chunk);
    if (scan_bytes != 0)
        ua_acct_scan_alloc(heapbits->acct, scan_bytes);
}

uintptr_t ua_heapbits_write_out_noted(const struct ua_heapbits *heapbits, struct ua_span *chunk)
{
    size_t scan_bytes;
    uintptr_t end;

    ua_heapbits_acquire(chunk);
    end = __atomic_load_n(&chunk->scan_end, __ATOMIC_RELAXED);
    scan_bytes = write_out(heapbits, chunk, end);
    ua_heapbits_release(chunk);
    if (scan_bytes != 0)
        ua_acct_scan_alloc(heapbits->acct, scan_bytes);
    return end;
}

void ua_heapbits_cut(struct ua_span *chunk, uintptr_t front, uint16_t *log_end)
{
    ua_heapbits_acquire(chunk);
    if (chunk->bits_end > front)
        __atomic_store_n(&chunk->bits_end, front, __ATOMIC_RELEASE);
    if (chunk->scan_end > front)
        __atomic_store_n(&chunk->scan_end, front, __ATOMIC_RELAXED);
    if (front <= chunk->log_from) { /* log_end is a place in the log that was handed on: nothing of this one is left */
        chunk->log_from = front;
        log_end = chunk->log;
    }
    if (chunk->log_read > log_end)
        chunk->log_read = log_end;
    chunk->log_next = log_end;
    ua_heapbits_release(chunk);
}

uint64_t ua_heapbits_word(const struct ua_span *chunk, size_t index)
{
    size_t end_bit = (__atomic_load_n(&chunk->bits_end, __ATOMIC_ACQUIRE) - chunk->base) / UA_WORD_BYTES;
    size_t first_bit = index * 64;

    if (first_bit >= end_bit)
        return 0;
    return chunk->bits[index] & ua_low_mask((unsigned)ua_min(64, end_bit - first_bit));
}

bool ua_heapbits_no_more(const struct ua_span *chunk, uintptr_t front, size_t index)
{
    size_t last = chunk->bytes / UA_BYTES_PER_BITMAP_WORD - 1;
    size_t low_bytes = front - chunk->base;
    size_t cleared = (low_bytes < UA_WORD_BYTES ? 0 : low_bytes - UA_WORD_BYTES) / UA_BYTES_PER_BITMAP_WORD;

    return index >= cleared && index != last;
}
