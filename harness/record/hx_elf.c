/* hx_elf.c - section and program headers of a native ELF file. See hx_elf.h. */
#include "record/hx_elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A read-only view of a file. */
struct view {
    const unsigned char *bytes;
    size_t size_bytes;
};

/* The part [offset, offset + size), or NULL when it does not lie in the file. */
static const void *view_part(const struct view *view, uint64_t offset, uint64_t size_bytes) {
    if (offset > view->size_bytes || size_bytes > view->size_bytes - offset) {
        return NULL;
    }
    return view->bytes + offset;
}

static bool view_open(const char *path, struct view *out, struct hx_error *error) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        int problem = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return hx_fail(error, "%s: %s", path, strerror(problem));
    }
    if (!S_ISREG(info.st_mode) || info.st_size < (off_t)sizeof(ElfW(Ehdr))) {
        (void)close(fd);
        return hx_fail(error, "%s is no shared library (%s)", path, S_ISREG(info.st_mode) ? "too short" : "not a file");
    }
    void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    int problem = errno;
    (void)close(fd);
    if (bytes == MAP_FAILED) {
        return hx_fail(error, "%s: %s", path, strerror(problem));
    }
    *out = (struct view){.bytes = bytes, .size_bytes = (size_t)info.st_size};
    return true;
}

/* What this program itself was built for: a library must match it to be preloaded beside it. */
static ElfW(Half) own_machine(void) {
    ElfW(Ehdr) header = {0};
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (read(fd, &header, sizeof header) != (ssize_t)sizeof header) {
            header.e_machine = EM_NONE;
        }
        (void)close(fd);
    }
    return header.e_machine;
}

static bool check_header(const char *path, const ElfW(Ehdr) * header, struct hx_error *error) {
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) {
        return hx_fail(error, "%s is no shared library (not an ELF file)", path);
    }
    unsigned char class_here = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
    ElfW(Half) machine = own_machine();
    if (header->e_ident[EI_CLASS] != class_here || (machine != EM_NONE && header->e_machine != machine)) {
        return hx_fail(error, "%s is a library for another kind of machine", path);
    }
    if (header->e_type != ET_DYN) {
        return hx_fail(error, "%s is an ELF file, but no shared library", path);
    }
    return true;
}

/* Marks those of `symbols` that one dynamic symbol table defines as functions. */
static void scan_symbols(const struct view *view, const ElfW(Shdr) * table, const ElfW(Shdr) * names, const char *const *symbols,
                         struct hx_elf *out) {
    const char *text = view_part(view, names->sh_offset, names->sh_size);
    const ElfW(Sym) *entries = view_part(view, table->sh_offset, table->sh_size);
    if (text == NULL || entries == NULL || names->sh_size == 0 || text[names->sh_size - 1] != '\0') {
        return;
    }
    for (size_t i = 0; i < table->sh_size / sizeof *entries; i++) {
        unsigned type = ELF64_ST_TYPE(entries[i].st_info); /* the same bits in both classes */
        if (entries[i].st_shndx == SHN_UNDEF || entries[i].st_name >= names->sh_size || (type != STT_FUNC && type != STT_GNU_IFUNC)) {
            continue;
        }
        for (size_t s = 0; symbols[s] != NULL; s++) {
            if (strcmp(text + entries[i].st_name, symbols[s]) == 0) {
                out->exports[s] = true;
            }
        }
    }
}

static void scan_sections(const struct view *view, const ElfW(Ehdr) * header, const char *const *symbols, struct hx_elf *out) {
    const ElfW(Shdr) *sections = view_part(view, header->e_shoff, (uint64_t)header->e_shnum * sizeof *sections);
    if (sections == NULL || header->e_shentsize != sizeof *sections) {
        return;
    }
    for (unsigned i = 0; i < header->e_shnum; i++) {
        if (sections[i].sh_type == SHT_DYNSYM && sections[i].sh_link < header->e_shnum) {
            scan_symbols(view, &sections[i], &sections[sections[i].sh_link], symbols, out);
        }
    }
}

/* Walks one note segment; each entry is a header, a name and a descriptor, both padded to four bytes. */
static void scan_notes(const unsigned char *notes, size_t size_bytes, struct hx_elf *out) {
    size_t at = 0;
    while (size_bytes - at >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        memcpy(&note, notes + at, sizeof note);
        at += sizeof note;
        size_t name_bytes = ((size_t)note.n_namesz + 3) & ~(size_t)3;
        size_t desc_bytes = ((size_t)note.n_descsz + 3) & ~(size_t)3;
        if (name_bytes > size_bytes - at || desc_bytes > size_bytes - at - name_bytes) {
            return;
        }
        const unsigned char *desc = notes + at + name_bytes;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(notes + at, "GNU", 4) == 0 && note.n_descsz <= 64) {
            for (size_t i = 0; i < note.n_descsz; i++) {
                (void)snprintf(out->build_id + 2 * i, 3, "%02x", desc[i]);
            }
            out->has_build_id = note.n_descsz != 0;
            return;
        }
        at += name_bytes + desc_bytes;
    }
}

static void scan_segments(const struct view *view, const ElfW(Ehdr) * header, struct hx_elf *out) {
    const ElfW(Phdr) *segments = view_part(view, header->e_phoff, (uint64_t)header->e_phnum * sizeof *segments);
    if (segments == NULL || header->e_phentsize != sizeof *segments) {
        return;
    }
    for (unsigned i = 0; i < header->e_phnum && !out->has_build_id; i++) {
        const unsigned char *notes = view_part(view, segments[i].p_offset, segments[i].p_filesz);
        if (segments[i].p_type == PT_NOTE && notes != NULL) {
            scan_notes(notes, segments[i].p_filesz, out);
        }
    }
}

bool hx_elf_read(const char *path, const char *const *symbols, struct hx_elf *out, struct hx_error *error) {
    *out = (struct hx_elf){0};
    size_t asked = 0;
    while (symbols[asked] != NULL) {
        asked++;
    }
    HX_CHECK(asked <= HX_COUNT_OF(out->exports));
    struct view view = {0};
    if (!view_open(path, &view, error)) {
        return false;
    }
    ElfW(Ehdr) header;
    memcpy(&header, view.bytes, sizeof header);
    bool good = check_header(path, &header, error);
    if (good) {
        scan_sections(&view, &header, symbols, out);
        scan_segments(&view, &header, out);
    }
    union {
        const unsigned char *in;
        void *out;
    } bytes = {.in = view.bytes}; /* munmap's prototype lacks const */
    (void)munmap(bytes.out, view.size_bytes);
    return good;
}

bool hx_build_id(const char *path, char out[HX_BUILD_ID_BYTES]) {
    static const char *const none[] = {NULL};
    struct hx_elf elf;
    if (!hx_elf_read(path, none, &elf, NULL) || !elf.has_build_id) {
        return false;
    }
    memcpy(out, elf.build_id, sizeof elf.build_id);
    return true;
}
