"""Names of players and characters, from several cultures so that sorting, width and encoding are put to the test."""

from typing import Final

# Given names | family names, of one culture a line.
CULTURES: Final = tuple(
    tuple(tuple(half.split(", ")) for half in line.split(" | "))
    for line in (
        (
            "Alice, Edwin, Harriet, Oscar, Philippa, Rowan, Tobias, Winifred, Josephine, Miles"
            " | Ashdown, Barlow, Carmichael, Dunmore, Ellery, Fairweather, Hollis, Kingsley, Pemberton, Whitlock"
        ),
        (
            "Aoife, Ciarán, Fionnuala, Niamh, Oisín, Pádraig, Róisín, Saoirse, Tadhg, Séamus"
            " | Brennan, Ní Dhomhnaill, O'Callaghan, O'Rourke, Mac Giolla, Quinn, Ó Súilleabháin, Kavanagh, Tierney"
        ),
        (
            "Adélaïde, Baptiste, Clémence, Étienne, Hélène, Loïc, Margaux, Thibault, Zoé, Rémy"
            " | Arnaud, Beaumont, d'Aubigny, Delacroix, Fournier, L'Hermite, Lefèvre, Marchand, Rousseau, Saint-Clair"
        ),
        (
            "Alejandra, Beltrán, Concepción, Diego, Inés, Joaquín, Lucía, Martín, Ximena, Íñigo"
            " | Aguirre, Castellanos, De la Vega, Fuentes, Ibáñez, Montero, Núñez, Quiroga, Salazar, Zúñiga"
        ),
        (
            "Anneliese, Dietrich, Gudrun, Heinrich, Ilse, Jürgen, Käthe, Lothar, Matthäus, Sieglinde"
            " | Bäcker, Eschenbach, Falkenrath, Großmann, Hölderlein, Königstein, Lindqvist, Müller, Schäfer, von Thal"
        ),
        (
            "Agnieszka, Bogdan, Danuta, Kazimierz, Łucja, Mirosława, Paweł, Stanisław, Wojciech, Żaneta"
            " | Czarnecki, Dąbrowski, Jabłoński, Kowalczyk, Łukasiewicz, Nowak, Świątek, Wiśniewski, Zając, Żuraw"
        ),
        (
            "Anastasia, Dmitri, Galina, Ilya, Katya, Lev, Nadezhda, Oleg, Svetlana, Yevgeni"
            " | Antonov, Baranova, Chernov, Dragunov, Gavrilenko, Ivashko, Kuznetsov, Morozova, Sokolov, Volkov"
        ),
        (
            "Ayşe, Cem, Elif, Fatih, Gülsüm, İbrahim, Nilüfer, Ömer, Şirin, Yıldız"
            " | Aksoy, Çelik, Demirci, Erdoğdu, Güneş, Kılıç, Özkan, Şahin, Tunç, Yılmaz"
        ),
        (
            "Abena, Chidi, Efua, Folasade, Ikenna, Kwame, Ngozi, Olumide, Thandiwe, Zola"
            " | Achebe, Adeyemi, Boateng, Dlamini, Eze, Mensah, Ndlovu, Okonkwo, Olawale, Sithole"
        ),
        (
            "Amina, Farid, Hakim, Jamila, Khalid, Layla, Nadia, Rashid, Samira, Yusuf"
            " | al-Amin, al-Fayed, Ben Salem, El Idrissi, Haddad, Khoury, Mansour, Nasser, Qasim, Zayani"
        ),
        (
            "Aditi, Devika, Gopal, Ishaan, Kavita, Lakshmi, Meera, Prakash, Rohan, Vikram"
            " | Banerjee, Chatterjee, Desai, Iyer, Kulkarni, Mukherjee, Nair, Patel, Rao, Srinivasan"
        ),
        (
            "Akira, Chiyo, Daichi, Emi, Haruka, Kenji, Michiko, Noboru, Reiko, Takumi"
            " | Aoyama, Fujiwara, Hayashi, Ishikawa, Kurosawa, Matsuda, Nakamura, Ōta, Shimizu, Yamaguchi"
        ),
        (
            "Bao, Cheng, Hui, Jing, Lan, Mei, Qiang, Shu, Wei, Xiaoli"
            " | Chen, Deng, Fang, Guo, Huang, Liang, Ouyang, Shen, Tsai, Zhao"
        ),
        (
            "Alana, Hone, Ioane, Kahu, Keoni, Leilani, Makana, Ngaire, Tama, Wikitoria"
            " | Faleolo, Heke, Kahananui, Kealoha, Ngata, Parata, Tamatea, Tāwhai, Tui, Waititi"
        ),
        (
            "Ásdís, Björn, Eydís, Freyja, Gunnar, Ingrid, Kåre, Maja, Sølvi, Torsten"
            " | Ahlström, Bjørnstad, Dahl, Eriksen, Guðmundsson, Håkansson, Lindgren, Nygård, Rasmussen, Ødegaard"
        ),
        (
            "Aiyana, Chayton, Dakota, Elu, Kiona, Mahkah, Nayeli, Sahale, Takoda, Winona"
            " | Begay, Blackwater, Lone Pine, Redbird, Silversmith, Stands Alone, Tallfeather, Two Rivers, Yazzie"
        ),
        (
            "Alessandra, Bruno, Chiara, Domenico, Fiammetta, Giacomo, Lucrezia, Niccolò, Ottavia, Tommaso"
            " | Bellini, Cavalcanti, D'Angelo, Dell'Acqua, Ferrante, Grimaldi, Lombardi, Moretti, Rinaldi, Visconti"
        ),
        (
            "Avraham, Batya, Chava, Elazar, Miriam, Naftali, Rivka, Shoshana, Tzvi, Yael"
            " | Abramson, Ben-David, Feldmann, Goldwasser, Katz, Lewin, Mizrahi, Rosenthal, Shapira, Weiss"
        ),
    )
)

EPITHETS: Final = (
    "the Younger, the Elder, the Quiet, the Lame, of the Docks, Two-Coats, the Scribe, Half-Moon, the Widow, No-Name,"
    " the Pilgrim, Lanternhand, the Clerk, of the Low Road, Nine-Fingers, the Beekeeper, Greycloak, the Second,"
    " of Saltmarsh, the Patient, Ropewalker, the Tutor, Ironmouth, the Guest"
).split(", ")

HANDLES: Final = (
    "amber, badger, cobalt, dusk, ember, fathom, gable, heron, indigo, juniper, kestrel, lantern, marrow, nettle,"
    " onyx, pepper, quarry, raven, saffron, tinder, umber, velvet, willow, yarrow, zephyr"
).split(", ")

CONCEPTS: Final = (
    "Night-shift nurse, Disgraced surgeon, Street preacher, Insurance assessor, Union organiser, Jazz pianist,"
    " Retired boxer, Forensic accountant, Tattooist, Ferry pilot, Archivist, Court interpreter, Crime reporter,"
    " Locksmith, Botanist, Bookmaker, Stage magician, Deep-sea welder, Landlord, Paramedic, War photographer,"
    " Radio host, Private tutor, Gravedigger, Smuggler, Museum guard, Software tester, Gallery owner, Mountain guide,"
    " Exiled diplomat, Pawnbroker, Chess hustler, Beekeeper, Puppet maker, Lighthouse keeper, Bounty hunter,"
    " Seismologist, Opera understudy, Taxidermist, Tram driver, Bail bondsman, Apothecary, Ex-monk, Cartographer,"
    " Probation officer, Rare-book dealer, Runaway heir, Veterinarian, Street racer, Genealogist"
).split(", ")

GOALS: Final = (
    "Pay back an old debt before the creditor dies., Find the person who signed the letter.,"
    " Keep one neighbourhood safe., Learn why the house on the hill was sold twice.,"
    " Outlive the enemies that money made., Teach one worthy student., Win back a seat on the council.,"
    " Be forgiven., Leave something that lasts a century., Break the oath cleanly."
).split(", ")

HISTORIES: Final = (
    "Grew up above a shop that never closed and learned early to listen.",
    "Spent eleven years abroad; the papers say six.",
    "Was the only one to walk away from the accident on the coast road.",
    "Inherited a debt, a key, and a box nobody could open.",
    "Taught evening classes until the evening that ended them.",
    "Says little about the war and nothing at all about the winter after it.",
    "Left home at sixteen with a borrowed coat; returned it twenty years later.",
    "Signed a contract without reading the back of the page.",
)
