"""Reading and comparing the result lists that a MeTTa program prints.

A printed list looks like `[a, (f $x#12), "text"]`. It is compared as a multiset unless told otherwise,
variables are compared up to renaming in each result, and addresses of spaces are masked. In an expected list the word
`*`, unless it is the head of an expression, stands for one or more neighbouring atoms.
"""
import re

ADDRESS = re.compile(r'(\w+)-0x[0-9a-fN]+')
TOKEN = re.compile(r'\s+|[()]|"(?:[^"\\]|\\.)*"|[^\s()]+', re.S)
WILDCARD = '*'
SEARCH_LIMIT = 200_000


def mask(text):
    """Replaces what differs from run to run and is not a variable."""
    return ADDRESS.sub(r'\1-0xN', text).rstrip()


def split_top_level(text):
    """The items of `a, (b, c), "d, e"`: commas inside parentheses and strings do not separate."""
    items, depth, start = [], 0, 0
    for token in TOKEN.finditer(text):
        word = token.group()
        if word == '(':
            depth += 1
        elif word == ')':
            depth -= 1
            if depth < 0:
                raise ValueError('unbalanced')
        elif depth == 0 and word.endswith(',') and text[token.end():token.end() + 1] == ' ':
            items.append(text[start:token.end() - 1])
            start = token.end()
    if depth != 0:
        raise ValueError('unbalanced')
    items.append(text[start:])
    return [item.strip() for item in items]


def parse_atoms(text):
    """Nested lists of words; a string literal is one word."""
    stack = [[]]
    for token in TOKEN.finditer(text):
        word = token.group()
        if word == '(':
            stack.append([])
        elif word == ')':
            done = stack.pop()
            if not stack:
                raise ValueError('unbalanced')
            stack[-1].append(done)
        elif not word.isspace():
            stack[-1].append(word)
    if len(stack) != 1:
        raise ValueError('unbalanced')
    return stack[0]


def parse_list(line):
    """The items of a printed result list, each as a parsed atom; None if the line is not a list."""
    if not (line.startswith('[') and line.endswith(']')):
        return None
    inner = line[1:-1]
    if not inner.strip():
        return []
    try:
        return [one_atom(parse_atoms(item)) for item in split_top_level(inner)]
    except ValueError:
        return None


def one_atom(words):
    """A text symbol with blanks in it reads as several words: they stay together."""
    return words[0] if len(words) == 1 else ['\0text'] + words


class Matcher:
    """Matches expected atoms with printed ones under one renaming of variables."""

    def __init__(self):
        self.there, self.back, self.steps = {}, {}, 0

    def atoms(self, want, got):
        """Yields once per way in which the two agree (the renaming is in force while suspended)."""
        self.steps += 1
        if self.steps > SEARCH_LIMIT:
            return
        if want == WILDCARD:
            yield True
        elif isinstance(want, list):
            if isinstance(got, list):
                yield from self.sequence(want, got, 0)
        elif isinstance(got, list):
            return
        elif want.startswith('$') and got.startswith('$'):
            yield from self.variables(want, got)
        elif want == got:
            yield True

    def variables(self, want, got):
        if want in self.there or got in self.back:
            if self.there.get(want) == got and self.back.get(got) == want:
                yield True
            return
        self.there[want], self.back[got] = got, want
        yield True
        del self.there[want], self.back[got]

    def sequence(self, want, got, position):
        if not want:
            if not got:
                yield True
            return
        if want[0] == WILDCARD and position == 0:  # the head is meant literally
            if got and got[0] == WILDCARD:
                yield from self.sequence(want[1:], got[1:], 1)
        elif want[0] == WILDCARD:
            for taken in range(1, len(got) + 1):
                yield from self.sequence(want[1:], got[taken:], position + 1)
        elif got:
            for _ in self.atoms(want[0], got[0]):
                yield from self.sequence(want[1:], got[1:], position + 1)


def same_atom(want, got):
    """Each result is an alternative of its own, so each has its own renaming."""
    return any(Matcher().atoms(want, got))


def any_pairing(want, got):
    """Whether each wanted atom has a found one of its own (both lists are short and of one length)."""
    if not want:
        return True
    return any(same_atom(want[0], item) and any_pairing(want[1:], got[:index] + got[index + 1:])
               for index, item in enumerate(got))


def same_results(want, got, ordered):
    """Whether the printed list `got` is what the list `want` expects."""
    want, got = mask(want), mask(got)
    if want == got or want == '[' + WILDCARD + ']' and got.startswith('['):
        return True
    wanted, found = parse_list(want), parse_list(got)
    if wanted is None or found is None:
        return False
    if len(wanted) != len(found):
        return False
    if ordered:
        return all(map(same_atom, wanted, found))
    if len(wanted) > 50:  # the search below is recursive; long lists are ground
        return sorted(map(repr, wanted)) == sorted(map(repr, found))
    return any_pairing(wanted, found)


def error_items(line):
    """The texts of the error atoms in a printed result list."""
    if not (line.startswith('[') and line.endswith(']')):
        return []
    try:
        items = split_top_level(line[1:-1])
    except ValueError:
        items = [line[1:-1]]
    return [item for item in items if item.startswith('(Error ')]


FORM_TOKEN = re.compile(r'\s+|;[^\n]*|[()]|"(?:[^"\\]|\\.)*"?|\$[^\s()]*|[^\s();]+', re.S)


def query_heads(text):
    """For each query `!` of a program, in order: the first word of its form."""
    heads, depth, waiting = [], 0, False
    for token in FORM_TOKEN.finditer(text):
        word = token.group()
        if word.isspace() or word.startswith(';'):
            continue
        if word == ')':
            depth = max(depth - 1, 0)
            if waiting == 'head':
                heads.append('')
                waiting = False
            continue
        if waiting == 'form':
            waiting = 'head' if word == '(' else False
            if not waiting:
                heads.append(word)
        elif waiting == 'head':
            heads.append(word)
            waiting = False
        elif word == '!' and depth == 0:
            waiting = 'form'
        depth += word == '('
    return heads
