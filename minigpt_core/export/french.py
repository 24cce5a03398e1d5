"""What stands in the exported programs in French: comments and printed words, by their English form."""

FRENCH = {
    "A training as a program of its own: it needs nothing but torch.": (
        "Un entraînement sous forme de programme : il n’a besoin que de torch."
    ),
    "It draws the same random numbers, and so comes to the same losses.": (
        "Il tire les mêmes nombres au hasard et retrouve donc les mêmes pertes."
    ),
    "Its name: $name": "Son nom : $name",
    "The run went on the graphics card; here it goes on the processor, so the last digits may differ.": (
        "Cet entraînement a eu lieu sur la carte graphique ; ici c’est le processeur, donc les derniers chiffres "
        "peuvent différer."
    ),
    "1. Prepare: the text becomes numbers.": "1. Préparer : le texte devient des nombres.",
    "The text, as the run read it: lower case, no space around it.": (
        "Le texte tel qu’il a été lu : en minuscules, sans espace autour."
    ),
    "The text, as the run read it.": "Le texte tel qu’il a été lu.",
    "every character once: the vocabulary": "chaque caractère une fois : le vocabulaire",
    "the vocabulary": "le vocabulaire",
    "the end of the text is kept to check": "la fin du texte est gardée pour vérifier",
    "what is left is too short to check": "le reste est trop court pour vérifier",
    "T: characters in a window": "T : nombre de caractères dans une fenêtre",
    "B: windows in a batch": "B : nombre de fenêtres dans un lot",
    "x, and y: what comes next at every place": "x, puis y : ce qui vient après, à chaque place",
    "2. Train: the model guesses the next character, and is corrected.": (
        "2. Entraîner : le modèle devine le caractère suivant, et on le corrige."
    ),
    "C: numbers that describe one character": "C : nombres qui décrivent un caractère",
    "layers on top of each other": "couches empilées",
    "attention heads in a layer": "têtes d’attention dans une couche",
    "share of the numbers set to 0 at random while training": (
        "part des nombres mis à 0 au hasard pendant l’entraînement"
    ),
    "of the learning rate, at the last step": "du taux d’apprentissage, au dernier pas",
    "in which the learning rate rises": "pendant lesquels le taux d’apprentissage monte",
    "longest gradient allowed": "plus long gradient permis",
    "steps between two evaluations": "pas entre deux évaluations",
    "windows that an evaluation reads": "fenêtres lues par une évaluation",
    "a row of numbers for each character": "une ligne de nombres par caractère",
    "from this row, a score for each next character": "de cette ligne, un score par caractère suivant",
    "How far each pair of numbers is turned at each place (RoFormer, arxiv.org/abs/2104.09864).": (
        "De combien chaque paire de nombres est tournée à chaque place (RoFormer, arxiv.org/abs/2104.09864)."
    ),
    "Every character looks back at those before it, and takes over what it finds there.": (
        "Chaque caractère regarde ceux d’avant, et reprend ce qu’il y trouve."
    ),
    "queries, keys and values": "requêtes, clés et valeurs",
    "so that they know how far apart they are": "pour savoir à quelle distance ils sont l’un de l’autre",
    "so that no score grows without bound": "pour qu’aucun score ne grandisse sans limite",
    "(B, T) each": "(B, T) chacun",
    "the heads side by side": "les têtes côte à côte",
    "What a character does with what it has gathered.": "Ce que fait un caractère de ce qu’il a recueilli.",
    "One layer: look around, then think.": "Une couche : regarder autour de soi, puis réfléchir.",
    "One layer: look around.": "Une couche : regarder autour de soi.",
    "adds to what came in": "s’ajoute à ce qui est entré",
    "a row for each place": "une ligne par place",
    "a score for each next character": "un score par caractère suivant",
    "one matrix for both": "une seule matrice pour les deux",
    "The weights that training begins with: small ones, as GPT-2's.": (
        "Les poids du début de l’entraînement : petits, comme ceux de GPT-2."
    ),
    "The weights that training begins with.": "Les poids du début de l’entraînement.",
    "each part begins by adding nothing": "chaque partie commence par ne rien ajouter",
    "at first all are as likely": (
        "d’abord, tous sont aussi probables"
    ),
    "these products stay in 32 bits": "ces produits restent en 32 bits",
    "the linear layers, with fewer digits": "les couches linéaires, avec moins de chiffres",
    "The directions of matrices of one shape, all about equally long (Newton–Schulz iteration).": (
        "Les directions de matrices d’une même forme, toutes à peu près aussi longues (itération de Newton–Schulz)."
    ),
    "As torch's, with all matrices of one shape at once, as in this run: so the last digits are the same.": (
        "Comme celui de torch, toutes les matrices d’une même forme à la fois, comme dans cet entraînement : les "
        "derniers chiffres sont donc les mêmes."
    ),
    "The run ended after $last_step of its $steps steps: the loss on unseen text fell no more.": (
        "L’entraînement s’est terminé après $last_step de ses $steps pas : la perte sur le texte jamais vu ne "
        "baissait plus."
    ),
    "Muon moves the matrices inside the layers, AdamW the rest.": (
        "Muon déplace les matrices des couches, AdamW le reste."
    ),
    "only matrices are pulled towards 0": "seules les matrices sont tirées vers 0",
    "Share of the learning rate that is in force for the next step.": (
        "Part du taux d’apprentissage qui vaut pour le pas suivant."
    ),
    "half a cosine wave": "une demi-onde de cosinus",
    "a straight line": "une ligne droite",
    "Mean loss over windows that lie side by side; always the same ones.": (
        "Perte moyenne sur des fenêtres côte à côte, toujours les mêmes."
    ),
    "no dropout": "sans dropout",
    "of each batch": "de chaque lot",
    "(step, loss on the text it learns from, loss on the text it never saw)": (
        "(pas, perte sur le texte appris, perte sur le texte jamais vu)"
    ),
    "(step, loss on the text it learns from)": "(pas, perte sur le texte appris)",
    "What was changed by hand while the run went, and after which step.": (
        "Ce qui a été changé à la main pendant l’entraînement, et après quel pas."
    ),
    "The run was stopped after $last_step of its $steps steps.": (
        "L’entraînement a été arrêté après $last_step de ses $steps pas."
    ),
    "3. Generate: guess, draw, append, and again.": "3. Générer : deviner, tirer, ajouter, et recommencer.",
    "it sees no further": "il ne voit pas plus loin",
    "below 1 bolder, above 1 more adventurous": "sous 1 plus sûr, au-dessus plus aventureux",
    "all probabilities, laid end to end": "toutes les probabilités, bout à bout",
    "a random place on this bar": "une place au hasard sur cette barre",
    "The sample of the run after its last step.": "Ce que le modèle a écrit après son dernier pas.",
    "try your own": "essayez la vôtre",
    "{len(text)} characters, {vocab_size} of them distinct": "{len(text)} caractères, dont {vocab_size} distincts",
    "{sum(weight.numel() for weight in model.parameters())} parameters": (
        "{sum(weight.numel() for weight in model.parameters())} paramètres"
    ),
    "step {}: loss {:.4f}, on unseen text {:.4f}": "pas {} : perte {:.4f}, sur le texte jamais vu {:.4f}",
    "step {}: loss {:.4f}": "pas {} : perte {:.4f}",
    "after step {step} the loss is no number any more: the run diverged": (
        "après le pas {step}, la perte n’est plus un nombre : l’entraînement a divergé"
    ),
}  # fmt: skip
