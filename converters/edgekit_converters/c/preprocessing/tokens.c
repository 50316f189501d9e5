static uint8_t ${name}_lower_case(char letter)
{
    const uint8_t byte = (uint8_t)letter;
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
}

static int ${name}_in_word(char letter)
{
    const uint8_t byte = ${name}_lower_case(letter);
    return byte >= 0x80 || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
}

/* The end of the word that starts here, with apostrophes inside at most. */
static ${up}_CODE size_t ${name}_word_end(const char *text, size_t start, size_t last)
{
    size_t end = start;
    while (end < last && ${name}_in_word(text[end])) {
        ++end;
        if (end + 1 < last && text[end] == '\'' && ${name}_in_word(text[end + 1])) {
            ++end;
        }
    }
    return end;
}
