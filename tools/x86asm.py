"""What clang cannot be told to do to stencils for x86-64, done to the text of its assembly.

The way that is taken as a rule shall be one piece, which ends in what follows if it leads there, so that the jump can be left out. Everything else
goes into a section of its own, ".text.NAME.aside".
"""
import re

PAIRS = ["e ne", "l ge", "le g", "b ae", "be a", "o no", "s ns", "p np"]
OPPOSITE = {a: b for pair in PAIRS for a, b in (pair.split(), pair.split()[::-1])}
FUNCTION = re.compile(r"^(\w+):[^\n]*\n(.*?)^(?=\.Lfunc_end)", re.M | re.S)
NEXT = re.compile(r"next_\d")


class Line:
    """A line of assembly: a label, an instruction or neither."""

    def __init__(self, text):
        self.text = text
        label = re.match(r"(\.L\w+):", text)
        jump = re.match(r"\tj(\w+)\t(\.?\w+)(?:@PLT)?(?:\s|$)", text)
        self.label = label.group(1) if label else None
        self.is_code = re.match(r"\t\w", text) is not None
        # Of a jump to a fixed place: the condition, "mp" for none, and the place.
        self.condition, self.to = jump.groups() if jump else (None, None)
        # Does control never come behind it?
        self.ends = re.match(r"\t(jmpq?|retq|ud2)\b", text) is not None


def jump(condition, to):
    return Line(f"\tj{condition}\t{to}")


def thread(lines):
    """Jumps to jumps that leave the function lead where those lead, which go when nobody else comes there."""
    leads, labels = {}, []
    for line in lines:
        if line.label:
            labels.append(line.label)
        elif line.is_code:
            if line.condition == "mp" and not line.to.startswith("."):
                leads.update((label, line.to) for label in labels)
            labels = []
    lines = [jump(line.condition, leads[line.to]) if line.to in leads else line for line in lines]
    out, falls = [], True
    for line in lines:
        if line.label in leads:
            labels.append(line)
            continue
        if labels and line.is_code:
            if falls:
                out.append(line)
            labels = []
        else:
            out.append(line)
        if line.is_code:
            falls = not line.ends
    return out


def put_next_last(lines):
    """Where code ends in a jump to what follows on a condition, else to elsewhere, turn the condition round."""
    out = list(lines)
    for i, line in enumerate(out):
        after = next((j for j in range(i + 1, len(out)) if out[j].is_code or out[j].label), None)
        if line.to and NEXT.fullmatch(line.to) and line.condition in OPPOSITE and after and out[after].condition == "mp":
            out[i], out[after] = jump(OPPOSITE[line.condition], out[after].to), jump("mp", line.to)
    return out


class Block:
    """Lines that control comes to at their beginning only."""

    def __init__(self, lines):
        self.lines = lines
        self.labels = [line.label for line in lines if line.label]
        self.falls = not any(line.ends for line in lines)


def blocks_of(lines):
    blocks, current, ended = [], [], False
    for line in lines:
        if current and (ended or (line.label and any(other.is_code for other in current))):
            blocks.append(Block(current))
            current = []
        current.append(line)
        ended = line.ends
    return blocks + [Block(current)] if current else blocks


class Layout:
    """Lays out a function anew: first what leads to what follows, without a jump if it can be helped, then the rest."""

    def __init__(self, name, lines):
        self.name = name
        self.blocks = blocks_of(lines)
        self.where = {label: i for i, block in enumerate(self.blocks) for label in block.labels}
        self.first, self.rest, self.used, self.fresh = [], [], set(), 0
        self.goes_on = any(line.to and NEXT.fullmatch(line.to) for line in lines)

    def is_free(self, label):
        return label in self.where and self.where[label] not in self.used

    def put_aside(self, lines):
        """The jump to take instead of going on to LINES, which go aside; "" for no code."""
        code = [line for line in lines if line.is_code]
        if code and code[0].condition == "mp" and not code[0].to.startswith(".") and not any(line.label for line in lines):
            return code[0].to
        self.fresh += 1
        label = f".Laside_{self.name}_{self.fresh}"
        self.rest += [Line(label + ":")] + lines
        return label

    def falling(self, i):
        """The lines of block I, with a jump to where it falls."""
        block = self.blocks[i]
        return block.lines + ([jump("mp", self.blocks[i + 1].labels[0])] if block.falls else [])

    def turn(self):
        """At a dead end that is not meant: take the last branch that was not taken, and put aside what followed. Returns the block, or None."""
        for k in range(len(self.first) - 1, -1, -1):
            line = self.first[k]
            if line.condition in OPPOSITE and self.is_free(line.to):
                behind, self.first = self.first[k + 1:], self.first[:k]
                self.first.append(jump(OPPOSITE[line.condition], self.put_aside(behind)))
                return self.where[line.to]
        return None

    def follow(self, i):
        """Lay out block I. Returns the block that comes next, None at the end."""
        self.used.add(i)
        lines = self.falling(i)
        for j, line in enumerate(lines):
            if line.to and NEXT.fullmatch(line.to):
                if line.condition != "mp":
                    self.first.append(jump(OPPOSITE[line.condition], self.put_aside(lines[j + 1:])))
                self.first.append(jump("mp", line.to))
                return None
            self.first.append(line)
        last = self.first[-1]
        if last.condition == "mp" and self.is_free(last.to):
            self.first.pop()
            return self.where[last.to]
        return self.turn() if self.goes_on or last.to == "slowly" else None

    def run(self):
        """(the first lines, the rest)."""
        i = 0
        while i is not None:
            i = self.follow(i)
        for i in range(len(self.blocks)):
            if i not in self.used:
                self.rest += self.falling(i)
        return self.first, self.rest


def improve(assembly, whole):
    """The assembly with its functions improved, but for those of the set WHOLE, which have frames on the stack."""
    def improved(match):
        name, body = match.groups()
        if name in whole:
            return match.group(0)
        lines = put_next_last(thread([Line(text) for text in body.splitlines()]))
        first, rest = Layout(name, lines).run()
        text = f"{name}:\n" + "".join(line.text + "\n" for line in first)
        if any(line.is_code for line in rest):
            text += f'\t.section\t.text.{name}.aside,"ax",@progbits\n' + "".join(line.text + "\n" for line in rest)
            text += f'\t.section\t.text.{name},"ax",@progbits\n'
        return text

    return FUNCTION.sub(improved, assembly)
