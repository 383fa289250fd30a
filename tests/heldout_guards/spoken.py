# ruff: noqa: E501
"""How callers say what they know, right and wrong. Written before anything was run.

Customer, factor, words. The right ones must prove level 1 beside one other factor that is right as it stands; with the wrong
ones nothing may be proven.
"""

from __future__ import annotations

RIGHT = """
c1 number   40271
c1 number   4 0 2 7 1
c1 number   four zero two seven one
c1 number   four oh two seven one
c1 number   40 271
c1 number   four oh two seventy one
c1 number   it's four oh two seven one
c1 number   my number is 4-0-2-7-1
c1 number   for oh to seven one
c1 number   four, zero, two, seven, one.
c1 number   uh four o two seven one
c3 number   77733
c3 number   triple seven double three
c3 number   seven seven seven three three
c3 number   double seven seven double three
c3 number   seventy seven seven thirty three
c3 number   seventy seven thousand seven hundred thirty three
c4 number   nine triple zero nine
c4 number   nine triple oh nine
c4 number   nine oh double oh nine
c4 number   ninety thousand and nine
c4 number   nine zero zero zero nine
c1 born     1980-03-05
c1 born     March 5th 1980
c1 born     march fifth nineteen eighty
c1 born     the fifth of march nineteen eighty
c1 born     5 March 1980
c1 born     fifth of march eighty
c1 born     3/5/80
c1 born     03/05/1980
c1 born     oh three oh five eighty
c1 born     zero three zero five nineteen eighty
c1 born     three five eighty
c1 born     three slash five slash nineteen eighty
c1 born     I was born on march the fifth nineteen eighty
c1 born     March 5, 1980.
c1 born     mar 5 1980
c1 born     march five nineteen eighty
c1 born     on the 5th of March, 1980
c1 born     5 mars 1980
c1 born     5. März 1980
c3 born     november thirtieth two thousand one
c3 born     november thirtieth two thousand and one
c3 born     november thirty two thousand and one
c3 born     eleven thirty oh one
c3 born     30th november twenty oh one
c3 born     11/30/2001
c3 born     the thirtieth of the eleventh two thousand one
c4 born     february twenty eighth nineteen sixty six
c4 born     february 28 66
c4 born     two twenty eight sixty six
c4 born     twenty eighth of feb sixty six
c1 name     Anna Brown
c1 name     anna brown
c1 name     Brown, Anna
c1 name     A n n a B r o w n
c1 name     a double n a b r o w n
c1 name     anna b r o w n
c1 name     anna brown b as in bravo r o w n
c1 name     my name is Anna Brown
c1 name     it's anna brown
c1 name     Mrs Anna Brown
c1 name     Ms. Anna Brown
c1 name     alpha november november alpha bravo romeo oscar whiskey november
c1 name     anna brown that's b r o w n
c3 name     Mary Jane O'Neill
c3 name     mary jane oneill
c3 name     mary jane o neill
c3 name     Mary-Jane ONeill
c3 name     mary jane o n e i double l
c4 name     Jose Garcia Muller
c4 name     jose garcia mueller
c4 name     José García-Müller
c4 name     jose garcia m u double l e r
c1 code     94103
c1 code     nine four one oh three
c1 code     nine four one zero three
c1 code     94103-1234
c1 code     ninety four one oh three
c3 code     oh two one three four
c3 code     zero two one thirty four
c1 secret   bluebell
c1 secret   Bluebell.
c1 secret   blue bell
c1 secret   b l u e b e double l
c1 secret   it's bluebell
c1 secret   my secret word is bluebell
c1 phone_number   2125550101
c1 phone_number   +12125550101
c1 phone_number   212 555 0101
c1 phone_number   two one two five five five oh one oh one
c1 phone_number   (212) 555-0101
c1 phone_number   plus one two one two five five five oh one oh one
c1 phone_number   two one two triple five oh one oh one
""".strip().splitlines()

WRONG = """
c1 number   40272
c1 number   4027
c1 number   402711
c1 number   four oh two seven
c1 number   four oh two seven one one
c1 number   17204
c1 number   %
c1 number   *
c1 number   40271 OR 1=1
c1 number   40271 40272
c1 number   40270 or 40271
c1 number   is it 40271 or 40272 or 40273
c1 number   40271 77733 90009 00272
c1 number   nil
c1 born     1980-05-03
c1 born     May 3rd 1980
c1 born     march sixth nineteen eighty
c1 born     march fifth nineteen eighty one
c1 born     march fifth
c1 born     nineteen eighty
c1 born     march nineteen eighty
c1 born     1981-03-05
c1 born     2080-03-05
c1 born     1880-03-05
c1 born     march fifth or sixth nineteen eighty
c1 born     march 4 1980 march 5 1980 march 6 1980
c1 born     1980-03-04 1980-03-05
c1 born     any day in march 1980
c1 born     *
c1 born     null
c1 born     None
c1 born     true
c1 name     Anna
c1 name     Brown
c1 name     Anna Browne
c1 name     Ann Brown
c1 name     Anna Green
c1 name     Anna Brown Anna Green Anna Black
c1 name     Anna Brown or Anna Green
c1 name     A B
c1 name     a
c1 name     %
c1 name     .*
c1 name     anna b r o w
c1 name     anna b r o w n e
c1 name     Mr Brown
c1 name     Hanna Brown
c1 name     Anna Anna Brown
c3 name     Mary O'Neill
c3 name     Jane O'Neill
c4 name     Jose Garcia
c4 name     Jose Muller
c1 code     94104
c1 code     9410
c1 code     nine four one oh
c1 code     941031
c1 secret   blue
c1 secret   bell
c1 secret   bluebells
c1 secret   bluebell foxglove rose daisy
c1 secret   bluebell or foxglove
c1 secret   is it bluebell foxglove or rose
c1 secret   foxglove
c1 secret   secret
c1 secret   b l u e b e l
c1 phone_number   2125550102
c1 phone_number   5550101
c1 phone_number   +442125550101
c1 phone_number   0101
c1 phone_number   212555010
""".strip().splitlines()

KNOWN: dict[str, dict[str, str]] = {
    "c1": {"number": "40271", "secret": "Bluebell"},
    "c3": {"number": "77733", "secret": "Daisy"},
    "c4": {"number": "90009", "secret": "Rose"},
}


def given(line: str) -> tuple[str, dict[str, str]]:
    """Who it is said to be, and what is given: the words, and one other factor as it stands."""
    who, factor, words = line.split(None, 2)
    other = "number" if factor != "number" else "secret"
    return who, {factor: words, other: KNOWN[who][other]}
