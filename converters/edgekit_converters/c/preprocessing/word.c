/* The index of a word: it is looked for in the vocabulary, which is sorted by bytes. */
static ${up}_CODE int32_t ${name}_word(const char *text, size_t length)
{
    size_t first = 0, beyond = ${count};
    while (first < beyond) {
        const size_t middle = first + (beyond - first) / 2;
        const size_t start = ${name}_word_starts[middle];
        const size_t bytes = ${name}_word_starts[middle + 1] - start;
        size_t same = 0;
        while (same < bytes && same < length && ${name}_words[start + same] == ${name}_lower_case(text[same])) {
            ++same;
        }
        if (same == bytes && same == length) {
            return (int32_t)${name}_word_indices[middle];
        }
        if (same == bytes || (same < length && ${name}_words[start + same] < ${name}_lower_case(text[same]))) {
            first = middle + 1;
        } else {
            beyond = middle;
        }
    }
    return ${unknown};
}
